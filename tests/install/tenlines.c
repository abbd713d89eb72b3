/* SPDX-License-Identifier: ISC */
#include <afwrt.h>
#include <stdio.h>
static void on_event(const char *event) { puts(event); }
int main(int argc, char **argv)
{
	if (argc != 4 || afwrt_init(argv[1], on_event) != 0 ||
	    afwrt_protect_ip_addr(argv[2], argv[3]) != 0 || afwrt_start() != 0)
		return fprintf(stderr, "%s\n", afwrt_last_error()), 1;
	return afwrt_deinit() != 0;
}
