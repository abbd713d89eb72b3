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

#endif
