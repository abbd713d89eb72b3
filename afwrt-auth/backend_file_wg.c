/* SPDX-License-Identifier: ISC */
/* A wg-quick file as the answer of a server that provides it. */
#include "backend_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/daemon/log.h"
#include "lib/wgquick/wgquick.h"
#include "lib/wire/channel.h"

struct said {
	const char *file;
};

static void
note_cb(void *arg, const char *what)
{
	const struct said *s = arg;

	log_info("backend file: %s: %s", s->file, what);
}

static json_t *
nets_json(const struct afw_wg_net *net, uint32_t n)
{
	char text[AFW_ADDR_TEXT + 4];
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list,
		    json_string(
			wgquick_net_print(&net[i], text, sizeof(text))));
	return list;
}

static json_t *
dns_json(const struct wgquick *w)
{
	char text[AFW_ADDR_TEXT];
	json_t *list = json_array();
	uint32_t i;

	for (i = 0; i < w->dns; i++)
		(void)json_array_append_new(list,
		    json_string(
			afw_addr_print(&w->dns_addr[i], text, sizeof(text))));
	return list;
}

static json_t *
key_json(const uint8_t key[AFW_WG_KEY_SIZE])
{
	char text[WGQUICK_KEY_TEXT];
	json_t *j;

	wgquick_key_print(key, text);
	j = json_string(text);
	afw_wipe(text, sizeof(text));
	return j;
}

static void
fill(json_t *answer, const struct wgquick *w)
{
	(void)json_object_set_new(answer, "servers",
	    json_pack("[{s:s, s:i, s:o}]", "address", w->host, "port",
		(int)w->port, "public_key", key_json(w->public_key)));
	(void)json_object_set_new(answer, "wireguard",
	    json_pack("{s:o, s:o, s:o, s:i, s:i, s:o, s:o}", "addresses",
		nets_json(w->addr, w->addrs), "allowed_ips",
		nets_json(w->allow, w->allowed), "dns", dns_json(w), "mtu",
		(int)w->mtu, "keepalive", (int)w->keepalive, "private_key",
		key_json(w->private_key), "preshared_key",
		key_json(w->preshared_key)));
}

int
backend_file_wg(json_t *answer, const char *name, const struct file *f,
    char *why, size_t size)
{
	struct said said = {name};
	char bad[WGQUICK_TEXT];
	struct wgquick w;

	if ((f->mode & 077) != 0) {
		(void)snprintf(
		    why, size, "others can read it; it must have mode 0600");
		return -1;
	}
	if (wgquick_read(&w, f->text, f->len, bad, note_cb, &said) == -1) {
		(void)snprintf(why, size, "%s", bad);
		return -1;
	}
	fill(answer, &w);
	wgquick_wipe(&w);
	return 0;
}
