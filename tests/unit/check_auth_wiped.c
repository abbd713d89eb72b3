/* SPDX-License-Identifier: ISC */
/* afwrt-auth: no copy of a token stays on the heap when an answer was read. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-auth/answer.h"
#include "lib/wire/channel.h"

/* Made here, so that the program itself has no copy of it. */
static void
secret_make(char secret[41])
{
	size_t i;

	for (i = 0; i < 40; i++)
		secret[i] = (char)('a' + (i * 7 + 3) % 26);
	secret[40] = '\0';
}

/* How often it is in the heap; the address sanitizer has another one. */
static unsigned int
heap_count(const char *secret)
{
	char line[512], *at, *end;
	unsigned long from = 0, to = 0;
	unsigned int n = 0;
	FILE *f = fopen("/proc/self/maps", "re");

	ck_assert_ptr_nonnull(f);
	(void)setvbuf(f, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, "[heap]") != NULL)
			ck_assert_int_eq(
			    sscanf(line, "%lx-%lx", &from, &to), 2);
	(void)fclose(f);
	at = (char *)from;
	end = (char *)to;
	while (at < end &&
	    (at = memmem(at, (size_t)(end - at), secret + 16, 24)) != NULL) {
		n++;
		at++;
	}
	return n;
}

START_TEST(nothing_left)
{
	char secret[41], text[160];
	struct answer a;
	int n;

	answer_setup();
	secret_make(secret);
	n = snprintf(text, sizeof(text),
	    "{\"result\":\"OK\",\"access_token\":\"%s\"}", secret);
	answer_read(&a, 200, text, (size_t)n);
	ck_assert_int_eq(a.result, RES_OK);
	answer_free(&a);
	ck_assert_uint_eq(heap_count(secret), 0);
	/* cut off: the parser gives up with what it has */
	answer_read(&a, 200, text, (size_t)n - 1);
	ck_assert_int_eq(a.result, RES_UNREADABLE);
	answer_free(&a);
	ck_assert_uint_eq(heap_count(secret), 0);
	afw_wipe(text, sizeof(text));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("auth wiped");
	TCase *t = tcase_create("wiped");
	SRunner *r;
	int failed;

	tcase_add_test(t, nothing_left);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
