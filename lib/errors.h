/* SPDX-License-Identifier: ISC */
#ifndef AFW_ERRORS_H
#define AFW_ERRORS_H

/*
 * The reason of the last failure, one a thread. Each returns -1, so that a
 * function can end with `return errors_set(EINVAL, "...")`.
 */
int errors_set(int e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* From a STATUS of the suite; what names the thing that was refused. */
int errors_set_code(unsigned int code, const char *text, const char *what);
const char *errors_last(void);

/* errno and the last error, while the application's code runs in between. */
struct errors_kept {
	int e;
	char text[512];
};
void errors_keep(struct errors_kept *k);
void errors_restore(const struct errors_kept *k);

#endif
