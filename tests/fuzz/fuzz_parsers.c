/* SPDX-License-Identifier: ISC */
/*
 * libFuzzer entries for what comes from outside or from a helper. One program
 * a parser: FUZZ_WIRE, FUZZ_HTTP, FUZZ_DNS, FUZZ_XML, FUZZ_WGQUICK, FUZZ_CONF
 * or FUZZ_BLOB says which. Each gets its input in a buffer of exactly its
 * size. `make fuzz-parsers` builds them where there is clang.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#if defined(FUZZ_WIRE)
#include <sys/socket.h>

#include "lib/wire/channel.h"

/* Two bytes choose the receiver, the sender and the phase. */
static void
fuzz(char *data, size_t size)
{
	static struct afw_msg m;
	struct afw_chan c;
	uint8_t roles = size > 0 ? (uint8_t)data[0] : 0;
	int sv[2];

	if (size < 3 || size > AFW_MSG_MAX + 8 || afw_chan_pair(sv) == -1)
		return;
	if (afw_chan_init(&c, sv[0], (roles & 15) % AFW_ROLES,
		(roles >> 4) % AFW_ROLES) == -1)
		abort();
	c.phase = (uint8_t)(1 << (data[1] & 3));
	c.peer_gen = data[1] & 4 ? 1 : 0;
	if (send(sv[1], data + 2, size - 2, 0) == (ssize_t)size - 2 &&
	    afw_chan_recv(&c, &m) == 1) {
		if (m.hdr.len > AFW_PAYLOAD_MAX || m.row == NULL)
			abort();
		afw_msg_done(&m);
	}
	afw_chan_close(&c);
	(void)close(sv[1]);
}

#elif defined(FUZZ_HTTP)
#include "afwrt-auth/http_parse.h"

/* The first byte is the size of the pieces in which it arrives. */
static void
fuzz(char *data, size_t size)
{
	size_t at = 1, n, used, step;
	struct http_parse p;
	int rc = 0;

	if (size < 2)
		return;
	step = (uint8_t)data[0] + 1u;
	http_parse_init(&p);
	while (at < size && rc == 0) {
		n = size - at < step ? size - at : step;
		rc = http_parse_feed(&p, data + at, n, &used);
		if (used > n || (rc == -1 && p.why == NULL))
			abort();
		at += n;
	}
	if (rc == 0)
		rc = http_parse_end(&p);
	if (rc == 1) {
		(void)http_parse_header(&p, "Location", 0);
		(void)http_parse_header(&p, "Set-Cookie", 1);
		if (p.body_len > HTTP_BODY_MAX)
			abort();
	}
	http_parse_free(&p);
}

#elif defined(FUZZ_DNS)
#include "afwrt-auth/dns.h"

static void
fuzz(char *data, size_t size)
{
	struct dns_answer a;
	enum dns_result r;
	unsigned int family;
	uint8_t q[DNS_QUERY_MAX];

	for (family = 4; family <= 6; family += 2) {
		r = dns_parse((const uint8_t *)data, size, 0x4142,
		    "node.example", family, &a);
		if (a.n > DNS_ADDRS_MAX)
			abort();
		if (r == DNS_ALIAS)
			(void)dns_query(q, 1, a.alias, family);
	}
}

#elif defined(FUZZ_XML)
#include "afwrt-auth/node_xml.h"

static void
fuzz(char *data, size_t size)
{
	struct xml_answer a;
	const char *why;

	if (xml_parse(&a, data, size, &why) == -1)
		return;
	free(xml_escape(a.message));
	xml_free(&a);
}

#elif defined(FUZZ_WGQUICK)
#include "lib/wgquick/wgquick.h"

static void
heard(void *arg, const char *what)
{
	(void)arg;
	if (strlen(what) >= WGQUICK_TEXT)
		abort();
}

/* A file is read with a NUL behind it; keys are looked at for themselves. */
static void
fuzz(char *data, size_t size)
{
	uint8_t key[AFW_WG_KEY_SIZE];
	char text[WGQUICK_KEY_TEXT], why[WGQUICK_TEXT], *s = malloc(size + 1);
	struct wgquick w;

	if (s == NULL)
		return;
	memcpy(s, data, size);
	s[size] = '\0';
	if (wgquick_read(&w, s, size, why, heard, NULL) == -1 && *why == '\0')
		abort();
	if (wgquick_key_parse(key, s) == 0)
		wgquick_key_print(key, text);
	wgquick_wipe(&w);
	free(s);
}

#elif defined(FUZZ_CONF)
#include "lib/conf.h"

static void
fuzz(char *data, size_t size)
{
	char *s = malloc(size + 1);
	struct conf c;

	if (s == NULL)
		return;
	memcpy(s, data, size);
	s[size] = '\0';
	if (conf_parse(&c, s) == 0 && c.nrules > AFW_RULES_MAX)
		abort();
	conf_free(&c);
	(void)conf_check(s);
	free(s);
}

#elif defined(FUZZ_BLOB)
#include <jansson.h>

#include "afwrt-auth/answer.h"
#include "lib/wire/blob.h"

/* A backend's answer, through a blob and back, as it is read there. */
static void
fuzz(char *data, size_t size)
{
	char *back, text[64];
	struct answer a;
	uint64_t v;
	size_t len;
	int fd;

	if (size < 1 || (fd = afw_blob_make(data + 1, size - 1)) == -1)
		return;
	if (afw_blob_read(fd, size - 1, &back, &len) == -1 || len != size - 1)
		abort();
	answer_read(&a, data[0] & 1 ? 200 : (uint8_t)data[0] * 3, back, len);
	if (a.json != NULL) {
		(void)json_number(a.json, "n", &v);
		(void)json_time(a.json, "expire_time", &v);
		(void)json_text(a.json, "error", text, sizeof(text));
	}
	answer_free(&a);
	free(back);
	(void)close(fd);
}
#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		return 0;
	if (size > 0)
		memcpy(exact, data, size);
	fuzz(exact, size);
	free(exact);
	return 0;
}
