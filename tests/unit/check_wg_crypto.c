/* SPDX-License-Identifier: ISC */
/* Known answers for every primitive of the WireGuard engine. */
#include "afwrt-tun/wg_crypto.h"
#include "afwrt-tun/wg_stamp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void
unhex(uint8_t *out, const char *text)
{
	unsigned int v;

	for (; sscanf(text, "%2x", &v) == 1; text += 2)
		*out++ = (uint8_t)v;
}

static void
ck_hex(const uint8_t *got, const char *want)
{
	uint8_t b[256];

	unhex(b, want);
	ck_assert_mem_eq(got, b, strlen(want) / 2);
}

static void
range(uint8_t *out, uint8_t first, size_t n)
{
	while (n-- > 0)
		*out++ = first++;
}

static const char sunscreen[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one "
    "tip for the future, sunscreen would be it.";

START_TEST(x25519_rfc7748)
{
	uint8_t k[32], u[32], out[32];

	unhex(k,
	    "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
	unhex(u,
	    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
	ck_assert_int_eq(wg_x25519(out, k, u), 0);
	ck_hex(out,
	    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}
END_TEST

START_TEST(x25519_rfc7748_thousand)
{
	uint8_t k[32] = {9}, u[32] = {9}, out[32];
	int i;

	for (i = 0; i < 1000; i++) {
		ck_assert_int_eq(wg_x25519(out, k, u), 0);
		memcpy(u, k, 32);
		memcpy(k, out, 32);
		if (i == 0)
			ck_hex(k,
			    "422c8e7a6227d7bca1350b3e2bb7279f"
			    "7897b87bb6854b783c60e80311ae3079");
	}
	ck_hex(k,
	    "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}
END_TEST

START_TEST(x25519_small_order)
{
	uint8_t k[32] = {1, 2, 3}, u[32] = {0}, out[32];

	ck_assert_int_eq(wg_x25519(out, k, u), -1);
	u[0] = 1;
	ck_assert_int_eq(wg_x25519(out, k, u), -1);
}
END_TEST

START_TEST(blake2s_rfc7693)
{
	uint8_t out[32];

	ck_assert_int_eq(wg_hash(out, "a", 1, "bc", 2), 0);
	ck_hex(out,
	    "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
	ck_assert_int_eq(wg_hash(out, "", 0, "", 0), 0);
	ck_hex(out,
	    "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9");
}
END_TEST

/* hashlib.blake2s(b"abc", digest_size=16, key=bytes(range(32))) and so on */
START_TEST(blake2s_keyed)
{
	uint8_t key[32], out[32];

	range(key, 0, 32);
	ck_assert_int_eq(wg_mac(out, key, 32, "abc", 3), 0);
	ck_hex(out, "61ba5f165c194692e09d12520cc4c74a");
	ck_assert_int_eq(wg_mac(out, key, 16, "abc", 3), 0);
	ck_hex(out, "75296c2d2c0f51210b383f386bc8b1ff");
	ck_assert_int_eq(wg_mac(out, key, 32, "", 0), 0);
	ck_hex(out, "9536f9b267655743dee97b8a670f9f53");
}
END_TEST

/* hmac.new(bytes(range(32)), b"abc", "blake2s"), and HKDF made of it */
START_TEST(hmac_and_kdf)
{
	uint8_t key[32], a[32], b[32], c[32];
	uint8_t *const out[] = {a, b, c};

	range(key, 0, 32);
	ck_assert_int_eq(wg_hmac(a, key, 32, "abc", 3), 0);
	ck_hex(a,
	    "82623be5bc0a391b24dce53e67d028eff92d586de0485ac37822e597d049c74f");
	ck_assert_int_eq(wg_kdf(out, 3, key, "abc", 3), 0);
	ck_hex(a,
	    "c67e0b211ebf48c12c6d41da8fcee207d4c325a8c30f054d97401b14ed212f9f");
	ck_hex(b,
	    "923b032867c597d1df124053325e553b104bf3b76180a46e0c21b44001ec50f6");
	ck_hex(c,
	    "73e5eae9c5d230ea6becb29ab8a49f627aff1eb27586b938a71ae090d4c7a184");
}
END_TEST

START_TEST(aead_rfc8439)
{
	uint8_t key[32], nonce[12], aad[12], out[160], back[160];
	size_t n = strlen(sunscreen);
	EVP_CIPHER_CTX *seal, *open;

	ck_assert_int_eq(wg_crypto_init(), 0);
	range(key, 0x80, 32);
	unhex(nonce, "070000004041424344454647");
	unhex(aad, "50515253c0c1c2c3c4c5c6c7");
	seal = wg_aead_new(key, true);
	open = wg_aead_new(key, false);
	ck_assert_int_eq(wg_aead_seal(seal, nonce, out,
			     (const uint8_t *)sunscreen, n, aad, 12),
	    0);
	ck_hex(out,
	    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
	    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
	    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
	    "3ff4def08e4b7a9de576d26586cec64b6116"
	    "1ae10b594f09e26a7e902ecbd0600691");
	ck_assert_int_eq(
	    wg_aead_open(open, nonce, back, out, n + 16, aad, 12), 0);
	ck_assert_mem_eq(back, sunscreen, n);
	out[n / 2] ^= 1;
	ck_assert_int_eq(
	    wg_aead_open(open, nonce, back, out, n + 16, aad, 12), -1);
	ck_assert_int_eq(wg_aead_open(open, nonce, back, out, 15, aad, 12), -1);
	EVP_CIPHER_CTX_free(seal);
	EVP_CIPHER_CTX_free(open);
}
END_TEST

/* A context used again and again gives what a new one gives. */
START_TEST(aead_context_reused)
{
	uint8_t key[32], nonce[12], in[100] = {7}, a[116], b[116];
	EVP_CIPHER_CTX *kept, *fresh;
	uint64_t i;

	range(key, 1, 32);
	kept = wg_aead_new(key, true);
	for (i = 0; i < 20; i++) {
		fresh = wg_aead_new(key, true);
		wg_nonce(nonce, i << (3 * i));
		ck_assert_int_eq(
		    wg_aead_seal(kept, nonce, a, in, i * 5, NULL, 0), 0);
		ck_assert_int_eq(
		    wg_aead_seal(fresh, nonce, b, in, i * 5, NULL, 0), 0);
		ck_assert_mem_eq(a, b, i * 5 + 16);
		EVP_CIPHER_CTX_free(fresh);
	}
	EVP_CIPHER_CTX_free(kept);
}
END_TEST

START_TEST(xchacha_draft)
{
	uint8_t key[32], nonce[24], aad[12], out[160], back[160];
	size_t n = strlen(sunscreen);

	range(key, 0, 32);
	unhex(nonce, "000000090000004a0000000031415927");
	wg_hchacha20(out, key, nonce);
	ck_hex(out,
	    "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc");
	range(key, 0x80, 32);
	range(nonce, 0x40, 24);
	unhex(aad, "50515253c0c1c2c3c4c5c6c7");
	ck_assert_int_eq(
	    wg_xseal(key, nonce, out, (const uint8_t *)sunscreen, n, aad, 12),
	    0);
	ck_hex(out,
	    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	    "21f9664c97637da9768812f615c68b13b52e"
	    "c0875924c1c7987947deafd8780acf49");
	ck_assert_int_eq(wg_xopen(key, nonce, back, out, n + 16, aad, 12), 0);
	ck_assert_mem_eq(back, sunscreen, n);
	aad[0] ^= 1;
	ck_assert_int_eq(wg_xopen(key, nonce, back, out, n + 16, aad, 12), -1);
}
END_TEST

START_TEST(stamp_never_goes_back)
{
	uint8_t last[WG_STAMP] = {0}, old[WG_STAMP];
	struct timespec t = {.tv_sec = 1767323045, .tv_nsec = 999999999};
	int i;

	wg_stamp_next(last, &t);
	ck_hex(last, "40000000695735af3b000000");
	for (i = 0; i < 200; i++) {
		memcpy(old, last, sizeof(old));
		wg_stamp_next(last, &t);
		ck_assert(wg_stamp_after(last, old));
		t.tv_sec -= 100000;
		t.tv_nsec = i * 1000;
	}
	/* two hundred steps of 16.8 ms, not more */
	ck_assert_uint_eq(last[7], 0xaf + 4);
}
END_TEST

START_TEST(compare_and_zero)
{
	ck_assert(wg_same("abc", "abc", 3));
	ck_assert(!wg_same("abc", "abd", 3));
	ck_assert(wg_is_zero("\0\0\0", 3));
	ck_assert(!wg_is_zero("\0\0\1", 3));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wg_crypto");
	TCase *t = tcase_create("answers");
	SRunner *r;
	int failed;

	if (wg_crypto_init() != 0)
		return EXIT_FAILURE;
	suite_add_tcase(s, t);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, x25519_rfc7748);
	tcase_add_test(t, x25519_rfc7748_thousand);
	tcase_add_test(t, x25519_small_order);
	tcase_add_test(t, blake2s_rfc7693);
	tcase_add_test(t, blake2s_keyed);
	tcase_add_test(t, hmac_and_kdf);
	tcase_add_test(t, aead_rfc8439);
	tcase_add_test(t, aead_context_reused);
	tcase_add_test(t, xchacha_draft);
	tcase_add_test(t, stamp_never_goes_back);
	tcase_add_test(t, compare_and_zero);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
