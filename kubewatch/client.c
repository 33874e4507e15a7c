/* SPDX-License-Identifier: Apache-2.0 */
#include "kubewatch/client.h"

#include "evidence/base.h"
#include "evidence/diag.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <string.h>

#define CONNECT_S 10L
#define TOKEN_MAX (16 << 10)
/* Less than a byte a second for so long: broken. A watch has a bookmark each minute. */
#define STALLED_S 120L

struct client {
	CURL *curl;
	struct curl_slist *resolved; /* NULL: base has an address */
	char base[1024];
	char why[CURL_ERROR_SIZE + 256];
	client_fn fn;
	void *ctx;
	int err; /* of fn */
};

/* "HOST:PORT:ADDRESS,ADDRESS...", for CURLOPT_RESOLVE. */
static int print_addresses(const char *host, const char *port, const struct addrinfo *list,
			   char *ret_text, size_t size)
{
	char address[INET6_ADDRSTRLEN];
	int len = snprintf(ret_text, size, "%s:%s:", host, port);

	for (const struct addrinfo *a = list; a && len < (int)size; a = a->ai_next) {
		if (getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof(address), NULL, 0,
				NI_NUMERICHOST))
			return -EINVAL;
		len += snprintf(ret_text + len, size - len,
				a->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", a == list ? "" : ",",
				address);
	}
	return len < (int)size ? 0 : -ENAMETOOLONG;
}

static int resolve(const char *host, const char *port, struct curl_slist **ret_resolved)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	char text[4096];
	int err;

	if (getaddrinfo(host, port, &hints, &list))
		return -EHOSTUNREACH;
	err = print_addresses(host, port, list, text, sizeof(text));
	freeaddrinfo(list);
	if (err)
		return err;
	*ret_resolved = curl_slist_append(NULL, text);
	return *ret_resolved ? 0 : -ENOMEM;
}

static bool is_address(const char *host)
{
	struct in_addr v4;

	return host[0] == '[' || inet_pton(AF_INET, host, &v4) == 1;
}

static int resolve_base(const char *base, struct curl_slist **ret_resolved)
{
	CURLU *url = curl_url();
	char *host = NULL, *port = NULL;
	int err = -EINVAL;

	if (url && !curl_url_set(url, CURLUPART_URL, base, 0) &&
	    !curl_url_get(url, CURLUPART_HOST, &host, 0) &&
	    !curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
		err = is_address(host) ? 0 : resolve(host, port, ret_resolved);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(url);
	return err;
}

int client_new(const char *base, struct client **ret_client)
{
	struct client *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	snprintf(c->base, sizeof(c->base), "%s", base);
	err = resolve_base(base, &c->resolved);
	if (!err)
		c->curl = curl_easy_init();
	if (!c->curl) {
		client_free(c);
		return err ? err : -ENOMEM;
	}
	*ret_client = c;
	return 0;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->curl);
	curl_slist_free_all(c->resolved);
	free(c);
}

bool client_is_by_name(const struct client *c)
{
	return c->resolved;
}

static size_t on_body(char *data, size_t size, size_t cnt, void *ctx)
{
	struct client *c = ctx;
	long status = 0;

	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		c->err = c->fn(data, size * cnt, c->ctx);
	return c->err < 0 ? 0 : size * cnt;
}

static void set_options(struct client *c, const struct kube_credentials *cred, const char *url,
			long timeout_s, char *error)
{
	struct curl_blob ca = {.data = (void *)(cred->data + cred->token_len),
			       .len = cred->ca_len,
			       .flags = CURL_BLOB_COPY};
	CURL *h = c->curl;

	/* A new connection for each request: the server is checked, and the token shown, anew. */
	curl_easy_reset(h);
	curl_easy_setopt(h, CURLOPT_URL, url);
	curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(h, CURLOPT_RESOLVE, c->resolved);
	curl_easy_setopt(h, CURLOPT_PROXY, "");
	curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(h, CURLOPT_TIMEOUT, timeout_s);
	curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, MIN(timeout_s, STALLED_S));
	curl_easy_setopt(h, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
	/* This CA alone, none of the system's. Without one nobody is trusted. */
	curl_easy_setopt(h, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h, CURLOPT_CAINFO, NULL);
	if (cred->ca_len)
		curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &ca);
}

/* Never longer than TOKEN_MAX; a line break in it would begin another header. */
static struct curl_slist *make_headers(const struct kube_credentials *cred)
{
	char line[TOKEN_MAX + 32];
	size_t len = cred->token_len;

	while (len && strchr(" \r\n\t", cred->data[len - 1]))
		len--;
	if (!len || len > TOKEN_MAX || memchr(cred->data, '\n', len) ||
	    memchr(cred->data, '\0', len))
		return curl_slist_append(NULL, "Accept: application/json");
	snprintf(line, sizeof(line), "Authorization: Bearer %.*s", (int)len, cred->data);
	return curl_slist_append(curl_slist_append(NULL, "Accept: application/json"), line);
}

static int tell_curl(struct client *c, CURLcode code, const char *error)
{
	snprintf(c->why, sizeof(c->why), "%s", error[0] ? error : curl_easy_strerror(code));
	if (code == CURLE_OPERATION_TIMEDOUT)
		return -ETIMEDOUT;
	return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
			       code == CURLE_SSL_CONNECT_ERROR
		       ? -EBADMSG
		       : -ECONNREFUSED;
}

static int tell_status(struct client *c, long status)
{
	if (status == 200)
		return 0;
	if (status == 401)
		snprintf(c->why, sizeof(c->why),
			 "it does not accept the token (401): see kube-token-file");
	else if (status == 403)
		snprintf(c->why, sizeof(c->why), "it refuses (403): grant list and watch on pods");
	else
		snprintf(c->why, sizeof(c->why), "it answers with status %ld", status);
	if (status == 401 || status == 403)
		return -EACCES;
	if (status == 429 || status >= 500)
		return -EAGAIN;
	return status == 410 ? -ESTALE : -EPROTO;
}

int client_get(struct client *c, const struct kube_credentials *cred, const char *path,
	       long timeout_s, client_fn fn, void *ctx, const char **ret_why)
{
	struct curl_slist *headers = make_headers(cred);
	char url[4096], error[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;

	c->fn = fn;
	c->ctx = ctx;
	c->err = 0;
	*ret_why = c->why;
	c->why[0] = '\0';
	snprintf(url, sizeof(url), "%s%s", c->base, path);
	set_options(c, cred, url, timeout_s, error);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	if (c->err < 0)
		return c->err;
	if (code && status && status != 200)
		return tell_status(c, status);
	return code ? tell_curl(c, code, error) : tell_status(c, status);
}
