/* SPDX-License-Identifier: Apache-2.0 */
/* The views by name. */
#include "evidence/base.h"
#include "responder/views/view.h"
#include <string.h>

static const struct view_type *const views[] = {VIEWS(VIEW_ADDRESS)};

const struct view_type *view_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(name, views[i]->name))
			return views[i];
	return NULL;
}
