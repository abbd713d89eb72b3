/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_NODE_XML_H
#define AFWRT_AUTH_NODE_XML_H

#include <stdbool.h>
#include <stddef.h>

#define XML_FIELDS_MAX  8
#define XML_OPTIONS_MAX 16

/* One <input> or <select> of a form. */
struct xml_field {
	enum { XML_TEXT = 1, XML_PASSWORD, XML_HIDDEN, XML_SELECT } kind;
	char name[64];
	char value[1024]; /* of hidden ones; of a select its chosen option */
	char options[XML_OPTIONS_MAX][64];
	size_t n_options;
};

/* What a node says during the login; see hydra-tcp: config-auth. */
struct xml_answer {
	bool complete; /* else a form is to be filled in */
	char message[128], error[128];
	char action[256];
	char token[2048]; /* <session-token>, of nodes that send one */
	struct xml_field fields[XML_FIELDS_MAX];
	size_t n_fields;
	char *opaque; /* <opaque>…</opaque> as it came, to be sent back */
};

/*
 * 0, or -1 and a sentence in *why. No document type, no entities but the
 * five of XML, at most 64 KiB, 16 levels deep. Free with xml_free.
 */
int xml_parse(
    struct xml_answer *a, const char *text, size_t len, const char **why);
void xml_free(struct xml_answer *a);
/* Text with & < > " ' escaped, malloced; without control characters. */
char *xml_escape(const char *s);

#endif
