/* SPDX-License-Identifier: ISC */
/*
 * libFuzzer entry for requests to the configuration socket of a tunnel: what
 * is taken stays within its bounds and can be printed.
 */
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/wg_uapi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
peer_print(const struct wg_uapi_peer *p)
{
	static char answer[16384];
	struct wg_uapi_device d;

	if (p->allowed > AFW_WG_ALLOWED_MAX)
		abort();
	memset(&d, 0, sizeof(d));
	d.has_peer = true;
	d.endpoint = p->endpoint;
	d.allowed = p->allowed;
	memcpy(d.allow, p->allow, sizeof(d.allow));
	if (wg_uapi_print(&d, answer, sizeof(answer)) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wg_uapi_set s;
	const char *key = NULL;
	char *text = malloc(size + 1);
	unsigned int i;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (wg_uapi_parse(text, &s, &key) == 0) {
		if (s.n_peers > WG_UAPI_PEERS)
			abort();
		for (i = 0; i < s.n_peers; i++)
			peer_print(&s.peer[i]);
	}
	if (key == NULL)
		abort();
	free(text);
	return 0;
}
