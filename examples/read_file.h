/* SPDX-License-Identifier: ISC */
/* A file's text for afwrt_init(), as the examples need it. */
#ifndef READ_FILE_H
#define READ_FILE_H

#include <stdio.h>
#include <stdlib.h>

#define CONFIG_MAX (1024 * 1024) /* as afwrt_init() takes it */

/* The text of a file, to be freed, or NULL. */
static char *
read_file(const char *path)
{
	char *text = malloc(CONFIG_MAX + 1);
	FILE *f = fopen(path, "r");
	size_t n;

	if (text == NULL || f == NULL) {
		perror(path);
		free(text);
		if (f != NULL)
			(void)fclose(f);
		return NULL;
	}
	n = fread(text, 1, CONFIG_MAX, f);
	text[n] = '\0';
	(void)fclose(f);
	return text;
}

#endif
