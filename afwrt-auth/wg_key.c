/* SPDX-License-Identifier: ISC */
/*
 * Key pairs for WireGuard locations whose backend does not give one. The
 * private key never leaves the router: afwrtd keeps it in a file that only
 * root may read, the backend gets the public one.
 */
#include "wg_key.h"

#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/ecp.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "lib/wire/channel.h"

#define STATE_MS 5000

struct wg_key {
	struct afw_m_state state;
	wg_key_cb cb;
	void *arg;
};

/* ---- X25519 ------------------------------------------------------------ */

static int
random_cb(void *arg, unsigned char *buf, size_t len)
{
	ssize_t n;

	(void)arg;
	while (len > 0) {
		n = getrandom(buf, len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return MBEDTLS_ERR_ECP_RANDOM_FAILED;
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
clamp(uint8_t key[AFW_WG_KEY_SIZE])
{
	key[0] &= 248;
	key[31] = (uint8_t)((key[31] & 127) | 64);
}

static int
multiply(mbedtls_ecp_group *g, mbedtls_ecp_point *q, mbedtls_mpi *d,
    uint8_t out[AFW_WG_KEY_SIZE], const uint8_t in[AFW_WG_KEY_SIZE])
{
	size_t n;

	if (mbedtls_ecp_group_load(g, MBEDTLS_ECP_DP_CURVE25519) != 0 ||
	    mbedtls_mpi_read_binary_le(d, in, AFW_WG_KEY_SIZE) != 0 ||
	    mbedtls_ecp_mul(g, q, d, &g->G, random_cb, NULL) != 0 ||
	    mbedtls_ecp_point_write_binary(g, q, MBEDTLS_ECP_PF_UNCOMPRESSED,
		&n, out, AFW_WG_KEY_SIZE) != 0 ||
	    n != AFW_WG_KEY_SIZE)
		return -1;
	return 0;
}

int
wg_key_public(uint8_t public_key[AFW_WG_KEY_SIZE],
    const uint8_t private_key[AFW_WG_KEY_SIZE])
{
	uint8_t clamped[AFW_WG_KEY_SIZE];
	mbedtls_ecp_point q;
	mbedtls_ecp_group g;
	mbedtls_mpi d;
	int rc;

	memcpy(clamped, private_key, sizeof(clamped));
	clamp(clamped);
	mbedtls_ecp_group_init(&g);
	mbedtls_ecp_point_init(&q);
	mbedtls_mpi_init(&d);
	rc = multiply(&g, &q, &d, public_key, clamped);
	mbedtls_mpi_free(&d);
	mbedtls_ecp_point_free(&q);
	mbedtls_ecp_group_free(&g);
	afw_wipe(clamped, sizeof(clamped));
	return rc;
}

/* ---- the pair of a location -------------------------------------------- */

static void
key_free(struct wg_key *k)
{
	afw_wipe(k, sizeof(*k));
	free(k);
}

void
wg_key_cancel(struct wg_key *k)
{
	if (k == NULL)
		return;
	afw_link_cancel(afw_daemon_sup(), k);
	key_free(k);
}

static void
tell(struct wg_key *k, const char *why)
{
	wg_key_cb cb = k->cb;
	void *arg = k->arg;

	cb(arg, why == NULL ? k->state.data : NULL, why);
	key_free(k);
}

/* One that could not be kept is good for this life of the process. */
static void
saved_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct wg_key *k = arg;

	(void)m;
	if (code != AFW_OK)
		log_err("%s: the new key was not kept in config_dir: %s; after "
			"a restart there will be another",
		    k->state.location, text);
	tell(k, NULL);
}

static void
key_make(struct wg_key *k)
{
	if (random_cb(NULL, k->state.data, AFW_WG_KEY_SIZE) != 0) {
		tell(k, "no random numbers");
		return;
	}
	clamp(k->state.data);
	log_info("%s: a new key pair", k->state.location);
	if (afw_link_request(afw_daemon_sup(), AFW_MSG_STATE_SAVE, &k->state,
		-1, STATE_MS, false, saved_cb, k) == 0)
		tell(k, "afwrtd cannot be asked");
}

static void
state_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct wg_key *k = arg;
	const struct afw_m_state *s;

	if (code == AFW_ENOENT) {
		key_make(k);
		return;
	}
	if (code != AFW_OK || m == NULL || m->hdr.type != AFW_MSG_STATE) {
		tell(k, code != AFW_OK ? text : "afwrtd has no key");
		return;
	}
	s = (const void *)m->payload;
	if (s->len != AFW_WG_KEY_SIZE) {
		tell(k, "the file with the key has another size");
		return;
	}
	memcpy(k->state.data, s->data, AFW_WG_KEY_SIZE);
	tell(k, NULL);
}

struct wg_key *
wg_key_get(const char *location, wg_key_cb cb, void *arg)
{
	struct wg_key *k = calloc(1, sizeof(*k));
	struct afw_m_state_get g = {.kind = AFW_STATE_WG_KEY};

	if (k == NULL)
		fatal("auth: out of memory");
	k->cb = cb;
	k->arg = arg;
	k->state.kind = AFW_STATE_WG_KEY;
	k->state.len = AFW_WG_KEY_SIZE;
	(void)afw_str_set(
	    k->state.location, sizeof(k->state.location), location);
	(void)afw_str_set(g.location, sizeof(g.location), location);
	if (afw_link_request(afw_daemon_sup(), AFW_MSG_STATE_GET, &g, -1,
		STATE_MS, false, state_cb, k) == 0) {
		key_free(k);
		return NULL;
	}
	return k;
}
