/* SPDX-License-Identifier: Apache-2.0 */
/* What the API server sends, up to the message that the sensor gets: the first byte chooses between
 * a page of a list, a watch's body in two pieces, and a raw message. */
#include "kubewatch/watch.h"

#include "evidence/base.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever came, the sensor's check must find nothing wrong with what is told. */
static int tell(enum kube_message_type type, const struct kube_pod *pod, void *ctx)
{
	struct kube_message *m = ctx;

	m->type = type;
	m->pod = *pod;
	if (!kube_message_check(m, kube_message_size(type)))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kube_message message;
	struct watch_opts opts = {
		.node = "n1", .allowed_labels = "*", .tell = tell, .ctx = &message};
	const char *text = (const char *)data + 1;
	struct watch *w = NULL;

	if (!size-- || watch_new(&opts, &w))
		return 0;
	if (data[0] % 3 == 0) {
		watch_take_page(w, text, size);
	} else if (data[0] % 3 == 1) {
		if (!watch_take_piece(w, text, size / 2))
			watch_take_piece(w, text + size / 2, size - size / 2);
	} else {
		memset(&message, 0, sizeof(message));
		memcpy(&message, text, MIN(size, sizeof(message)));
		kube_message_check(&message, size);
	}
	watch_free(w);
	return 0;
}
