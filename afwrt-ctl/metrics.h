/* SPDX-License-Identifier: ISC */
#ifndef CTL_METRICS_H
#define CTL_METRICS_H

/* At the start of the process. */
void metrics_begin(void);
/* The suite's numbers in the text format of Prometheus, version 0.0.4, for
 * free(). NULL: see afwrt_last_error. */
char *metrics_text(void);

#endif
