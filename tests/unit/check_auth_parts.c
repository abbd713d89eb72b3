/* SPDX-License-Identifier: ISC */
/* The readers of afwrt-auth: what is right, and what must be refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-auth/answer.h"
#include "afwrt-auth/dial.h"
#include "afwrt-auth/dns.h"
#include "afwrt-auth/http_parse.h"
#include "afwrt-auth/node_cookies.h"
#include "afwrt-auth/node_xml.h"
#include "afwrt-auth/params.h"
#include "afwrt-auth/provide.h"
#include "afwrt-auth/url.h"
#include "afwrt-auth/wg_key.h"
#include "lib/wgquick/wgquick.h"

/* ---- http -------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\n"

/* Fed whole, or byte by byte; then the end if it is still open. */
static int
parse(struct http_parse *p, const char *text, bool bytes)
{
	size_t len = strlen(text), used, at;
	int r = 0;

	http_parse_init(p);
	if (!bytes)
		r = http_parse_feed(p, text, len, &used);
	for (at = 0; bytes && at < len && r == 0; at++)
		r = http_parse_feed(p, text + at, 1, &used);
	return r == 0 ? http_parse_end(p) : r;
}

static const struct {
	const char *text, *body;
	bool keep;
} http_good[] = {
    {OK "Content-Length: 2\r\n\r\nhi", "hi", true},
    {OK "content-length:2\r\nContent-Length: 2\r\n\r\nhi", "hi", true},
    {OK "Content-Length: 0\r\n\r\n", NULL, true},
    {OK "Connection: close\r\nContent-Length: 2\r\n\r\nhi", "hi", false},
    {OK "\r\nto the end", "to the end", false},
    {"HTTP/1.0 200\r\nContent-Length: 1\r\n\r\nx", "x", false},
    {"HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", "x",
	true},
    {OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;e=1\r\n0123456789"
	"\r\n0\r\nTrailer: 1\r\n\r\n",
	"abc0123456789", true},
};

START_TEST(http_right)
{
	struct http_parse p;
	int bytes;

	for (bytes = 0; bytes < 2; bytes++) {
		ck_assert_msg(
		    parse(&p, http_good[_i].text, bytes) == 1, "%s", p.why);
		ck_assert_int_eq(p.status, 200);
		ck_assert_int_eq(p.keep_alive, http_good[_i].keep);
		if (http_good[_i].body != NULL)
			ck_assert_str_eq(p.body, http_good[_i].body);
		http_parse_free(&p);
	}
}
END_TEST

static const char *const http_bad[] = {
    "",
    "SSH-2.0-x\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 101 Switching\r\n\r\n",
    OK "No colon\r\n\r\n",
    OK " folded: x\r\n\r\n",
    OK "Bad name: x\r\n\r\n",
    OK "A: b\nContent-Length: 0\r\n\r\n",
    OK "Content-Length: 3\r\n\r\nhi",
    OK "Content-Length: -1\r\n\r\n",
    OK "Content-Length: 1048577\r\n\r\n",
    OK "Content-Length: 99999999999999999999\r\n\r\n",
    OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
    OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    OK "Transfer-Encoding: gzip\r\n\r\n",
    OK "Content-Encoding: gzip\r\n\r\nx",
    OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\n100001\r\n",
    OK "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
};

START_TEST(http_wrong)
{
	struct http_parse p;
	int bytes;

	for (bytes = 0; bytes < 2; bytes++) {
		ck_assert_int_eq(parse(&p, http_bad[_i], bytes), -1);
		ck_assert_ptr_nonnull(p.why);
		http_parse_free(&p);
	}
}
END_TEST

START_TEST(http_limits)
{
	static char big[2 * 1024 * 1024];
	struct http_parse p;

	memset(big, 'a', sizeof(big) - 1);
	memcpy(big, OK "X: ", 20);
	ck_assert_int_eq(parse(&p, big, false), -1);
	ck_assert_str_eq(p.why, "the head is longer than 16 KiB");
	http_parse_free(&p);
	memcpy(big, OK "\r\n", 19);
	ck_assert_int_eq(parse(&p, big, false), -1);
	ck_assert_str_eq(p.why, "the answer is longer than 1 MiB");
	http_parse_free(&p);
}
END_TEST

START_TEST(http_headers)
{
	struct http_parse p;

	ck_assert_int_eq(parse(&p,
			     OK "Set-Cookie: a=1 \r\nX:y\r\n"
				"set-cookie:\tb=2\r\nEmpty:\r\n\r\n",
			     false),
	    1);
	ck_assert_str_eq(http_parse_header(&p, "Set-Cookie", 0), "a=1");
	ck_assert_str_eq(http_parse_header(&p, "Set-Cookie", 1), "b=2");
	ck_assert_ptr_null(http_parse_header(&p, "Set-Cookie", 2));
	ck_assert_str_eq(http_parse_header(&p, "empty", 0), "");
	ck_assert_ptr_null(http_parse_header(&p, "Set", 0));
	http_parse_free(&p);
}
END_TEST

/* ---- xml --------------------------------------------------------------- */

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define REQ  HEAD "<config-auth client=\"vpn\" type=\"auth-request\">"

static int
xml(struct xml_answer *a, const char *text)
{
	const char *why;

	return xml_parse(a, text, strlen(text), &why);
}

/* As recorded from ocserv. */
START_TEST(xml_conversation)
{
	struct xml_answer a;

	ck_assert_int_eq(xml(&a,
			     REQ "<version who=\"sg\">0.1(1)</version>"
				 "<auth id=\"main\"><message>Please enter your "
				 "username.</message><form method=\"post\" "
				 "action=\"/auth\"><input type=\"text\" "
				 "name=\"username\" label=\"Username:\" />"
				 "</form></auth></config-auth>"),
	    0);
	ck_assert(!a.complete);
	ck_assert_str_eq(a.message, "Please enter your username.");
	ck_assert_str_eq(a.action, "/auth");
	ck_assert_uint_eq(a.n_fields, 1);
	ck_assert_int_eq(a.fields[0].kind, XML_TEXT);
	ck_assert_str_eq(a.fields[0].name, "username");
	xml_free(&a);
	ck_assert_int_eq(
	    xml(&a,
		HEAD "<config-auth client=\"vpn\" type=\"complete\">"
		     "<version who=\"sg\">0.1(1)</version>"
		     "<auth id=\"success\"><title>SSL VPN "
		     "Service</title></auth></config-auth>"),
	    0);
	ck_assert(a.complete);
	xml_free(&a);
}
END_TEST

START_TEST(xml_form)
{
	struct xml_answer a;

	ck_assert_int_eq(
	    xml(&a,
		REQ "<opaque is-for=\"sg\"><t>a&amp;b</t></opaque>"
		    "<auth id=\"main\"><error id=\"1\">no &lt;</error>"
		    "<form action=\"/x\"><select name=\"group_list\">"
		    "<option value=\"a\">A</option><option "
		    "selected=\"true\">b</option></select>"
		    "<input type=\"password\" name=\"p\"/>"
		    "<input type=\"hidden\" name=\"h\" value=\"v\"/>"
		    "<input type=\"submit\" name=\"go\"/></form>"
		    "<session-token>t0k</session-token></auth>"
		    "</config-auth>"),
	    0);
	ck_assert_str_eq(
	    a.opaque, "<opaque is-for=\"sg\"><t>a&amp;b</t></opaque>");
	ck_assert_str_eq(a.error, "no <");
	ck_assert_str_eq(a.token, "t0k");
	ck_assert_uint_eq(a.n_fields, 3);
	ck_assert_uint_eq(a.fields[0].n_options, 2);
	ck_assert_str_eq(a.fields[0].options[0], "a");
	ck_assert_str_eq(a.fields[0].value, "b");
	ck_assert_int_eq(a.fields[1].kind, XML_PASSWORD);
	ck_assert_str_eq(a.fields[2].value, "v");
	xml_free(&a);
}
END_TEST

static const char *const xml_bad[] = {
    "",
    "no xml",
    "<html><body>login</body></html>",
    HEAD "<config-auth type=\"hello\"/>",
    REQ "<auth>",
    HEAD "<!DOCTYPE x [<!ENTITY a \"b\">]><config-auth type=\"complete\"/>",
    HEAD "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><config-auth "
	 "type=\"complete\"/>",
    REQ "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a>"
	"</a></a></a></a></a></a></a></a></a></a></a></a></config-auth>",
    REQ "<form><input name=\"1\"/><input name=\"2\"/><input name=\"3\"/>"
	"<input name=\"4\"/><input name=\"5\"/><input name=\"6\"/>"
	"<input name=\"7\"/><input name=\"8\"/><input name=\"9\"/></form>"
	"</config-auth>",
    REQ "<form><input name=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"/></form>"
	"</config-auth>",
    REQ "&undefined;</config-auth>",
};

START_TEST(xml_wrong)
{
	struct xml_answer a;

	ck_assert_int_eq(xml(&a, xml_bad[_i]), -1);
}
END_TEST

START_TEST(xml_escaped)
{
	char *s = xml_escape("a<b>&\"'\x01\n z");

	ck_assert_str_eq(s, "a&lt;b&gt;&amp;&quot;&apos; z");
	free(s);
}
END_TEST

/* ---- cookies and parameters -------------------------------------------- */

START_TEST(cookie_jar)
{
	struct cookies c = {.n = 0};
	char buf[4096], name[16];
	int i;

	cookies_set(&c, "webvpncontext=abc; Max-Age=120; Secure");
	cookies_set(&c, "webvpn=COOKIE=; Secure");
	cookies_set(&c, "webvpn=X@1");
	cookies_set(&c, "nothing; a=b");
	cookies_set(&c, "bad=a\"b");
	ck_assert_str_eq(cookies_get(&c, "webvpn"), "X@1");
	ck_assert_ptr_null(cookies_get(&c, "bad"));
	cookies_print(&c, buf, sizeof(buf));
	ck_assert_str_eq(buf, "Cookie: webvpncontext=abc; webvpn=X@1\r\n");
	cookies_set(&c, "webvpncontext=; Max-Age=0");
	ck_assert_ptr_null(cookies_get(&c, "webvpncontext"));
	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "c%d=1", i);
		cookies_set(&c, name);
	}
	ck_assert_uint_eq(c.n, COOKIES_MAX);
	cookies_print(&c, buf, 40); /* no room for all: no overflow */
	ck_assert_uint_lt(strlen(buf), 40);
	cookies_clear(&c);
}
END_TEST

START_TEST(parameters)
{
	struct params p = {.n = 0};
	char *s;

	params_set(&p, "a", "x y&z=%");
	params_set(&p, "b", "");
	params_set(&p, "c", "1");
	params_set(&p, "c", "\xc3\xa4~");
	s = params_encode(&p);
	ck_assert_str_eq(s, "a=x%20y%26z%3D%25&c=%C3%A4~");
	ck_assert_str_eq(params_get(&p, "b"), "");
	free(s);
	params_clear(&p);
}
END_TEST

/* ---- answers ----------------------------------------------------------- */

static const struct {
	int status;
	const char *body;
	enum result result;
	bool permanent, retry;
} answers[] = {
    {200, "{\"result\": \"OK\"}", RES_OK, false, false},
    {200, "{\"result\": \"ok\"}", RES_OK, false, false},
    {200, "{\"result\": \"NOT_AUTHORIZED\"}", RES_NOT_AUTHORIZED, true, false},
    {200, "{\"result\": \"Unauthorized\"}", RES_NOT_AUTHORIZED, true, false},
    {200, "{\"result\": \"OAUTH_ERROR\"}", RES_OAUTH_ERROR, true, false},
    {200, "{\"result\": \"DEVICES_EXCEED\"}", RES_DEVICES_EXCEED, true, false},
    {200, "{\"result\": \"USER_SUSPENDED\"}", RES_USER_SUSPENDED, true, false},
    {200, "{\"result\": \"CARRIER_DISABLED\"}", RES_CARRIER_DISABLED, true,
	false},
    {200, "{\"result\": \"BAD_REQUEST\"}", RES_BAD_REQUEST, true, false},
    {200, "{\"result\": \"TRAFFIC_EXCEED\"}", RES_TRAFFIC_EXCEED, true, false},
    {200, "{\"result\": \"SESSIONS_EXCEED\"}", RES_SESSIONS_EXCEED, true,
	false},
    {200, "{\"result\": \"SERVER_UNAVAILABLE\"}", RES_SERVER_UNAVAILABLE, false,
	false},
    {200, "{\"result\": \"INVALID\"}", RES_INVALID, false, false},
    {200, "{\"result\": \"UNLIMITED\"}", RES_UNLIMITED, false, false},
    {200, "{\"result\": \"TOO_MANY_REQUESTS\"}", RES_TOO_MANY_REQUESTS, false,
	true},
    {200, "{\"result\": \"INTERNAL_SERVER_ERROR\"}", RES_INTERNAL_SERVER_ERROR,
	false, true},
    {200, "{\"result\": \"SOMETHING\"}", RES_OTHER, false, false},
    {200, "{\"result\": 1}", RES_UNREADABLE, false, true},
    {200, "[]", RES_UNREADABLE, false, true},
    {200, "", RES_UNREADABLE, false, true},
    {200, "<html>", RES_UNREADABLE, false, true},
    {200, "{\"result\": \"OK\"", RES_UNREADABLE, false, true},
    {200, "{\"result\": \"OK\", \"result\": \"INVALID\"}", RES_UNREADABLE,
	false, true},
    {401, "", RES_NOT_AUTHORIZED, true, false},
    {403, "{\"result\": \"OK\"}", RES_NOT_AUTHORIZED, true, false},
    /* only the backend itself can refuse us, not what stands before it */
    {400, "x", RES_UNREADABLE, false, true},
    {400, "{\"result\": \"BAD_REQUEST\"}", RES_BAD_REQUEST, true, false},
    {400, "{\"result\": \"OAUTH_ERROR\"}", RES_OAUTH_ERROR, true, false},
    {400, "{\"result\": \"OK\"}", RES_UNREADABLE, false, true},
    {429, "", RES_TOO_MANY_REQUESTS, false, true},
    {500, "", RES_INTERNAL_SERVER_ERROR, false, true},
    {503, "{\"result\": \"OK\"}", RES_INTERNAL_SERVER_ERROR, false, true},
    {404, "{\"result\": \"OK\"}", RES_UNREADABLE, false, true},
};

START_TEST(answer_codes)
{
	struct answer a;

	answer_read(
	    &a, answers[_i].status, answers[_i].body, strlen(answers[_i].body));
	ck_assert_int_eq(a.result, answers[_i].result);
	ck_assert_int_eq(answer_permanent(&a), answers[_i].permanent);
	ck_assert_int_eq(answer_retry(&a), answers[_i].retry);
	ck_assert_int_eq(a.fail.reason == AFW_REASON_NONE,
	    a.result == RES_OK || a.result == RES_UNLIMITED);
	answer_free(&a);
}
END_TEST

static const struct provide_want *
want(enum afw_v4v6 policy, bool ipv6_exit)
{
	static struct provide_want w;

	w = (struct provide_want){AFW_TYPE_HYDRA_TCP, policy, ipv6_exit};
	return &w;
}

/* RFC 7748, 6.1: Alice's and Bob's keys. */
START_TEST(public_keys)
{
	static const struct {
		const char *private, *public;
	} pairs[] = {
	    {"dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=",
		"hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="},
	    {"XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=",
		"3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="},
	};
	uint8_t key[AFW_WG_KEY_SIZE], public[AFW_WG_KEY_SIZE];
	char text[WGQUICK_KEY_TEXT];
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ck_assert_int_eq(wgquick_key_parse(key, pairs[i].private), 0);
		ck_assert_int_eq(wg_key_public(public, key), 0);
		wgquick_key_print(public, text);
		ck_assert_str_eq(text, pairs[i].public);
	}
}
END_TEST

START_TEST(provided)
{
	static const char text[] =
	    "{\"username\": \"u\", \"password\": \"p\","
	    "\"create_time\": \"1700000000\","
	    "\"expire_time\": 1700000100000, \"servers\": ["
	    "{\"address\": \"a.example\", \"port\": \"8443\"},"
	    "{\"address\": \"192.0.2.1\", \"name\": \"n.example\","
	    " \"address6\": \"2001:db8::1\", \"sni\": \"s.example\"},"
	    "{\"address\": \"x\", \"port\": 70000},"
	    "{\"address\": \"x\", \"port\": \"abc\"},"
	    "{\"address\": \"192.0.2.2\", \"ipv6_exit\": \"0\"},"
	    "{\"address\": \"ev il\\r\\n\"}, 7, {}]}";
	json_t *j = json_loads(text, 0, NULL);
	struct provide *p;
	const char *why;

	p = provide_read(j, want(AFW_V4V6_LEGACY, false), &why);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(p->expire_time, 1700000100);
	ck_assert_int_eq(p->life_ms, 100000);
	ck_assert(!provide_expired(p));
	ck_assert_uint_eq(p->n, 3);
	ck_assert_uint_eq(p->servers[0].port, 8443);
	ck_assert_str_eq(p->servers[0].host, "a.example");
	ck_assert_str_eq(p->servers[1].address, "192.0.2.1");
	ck_assert_str_eq(p->servers[1].host, "s.example");
	ck_assert_str_eq(p->servers[1].address6, "2001:db8::1");
	ck_assert_str_eq(p->servers[2].address, "192.0.2.2");
	ck_assert(provide_same_servers(p, p));
	ck_assert_uint_eq(provide_find(p, &p->servers[2]), 2);
	ck_assert(provide_has_choice(&p->servers[0])); /* it is a name */
	ck_assert(provide_has_choice(&p->servers[1]));
	ck_assert(!provide_has_choice(&p->servers[2]));
	provide_free(p);
	p = provide_read(j, want(AFW_V4V6_IPV4_ONLY, true), &why);
	ck_assert_uint_eq(p->n, 2);
	ck_assert_str_eq(p->servers[1].address, "192.0.2.1");
	ck_assert_str_eq(p->servers[1].address6, "");
	provide_free(p);
	p = provide_read(j, want(AFW_V4V6_IPV6_ONLY, false), &why);
	ck_assert_uint_eq(p->n, 2); /* a name may have an IPv6 address */
	ck_assert_str_eq(p->servers[1].address, "");
	ck_assert_str_eq(p->servers[1].address6, "2001:db8::1");
	provide_free(p);
	json_decref(j);
	j = json_loads("{\"username\": 1, \"servers\": {}}", 0, NULL);
	ck_assert_ptr_null(provide_read(j, want(AFW_V4V6_BOTH, false), &why));
	ck_assert_str_eq(why, "no usable server in the answer");
	json_decref(j);
}
END_TEST

/* "4.1 6.1 4.2": families and last bytes of what dial_order makes of text. */
static const char *
ordered(const char *text, enum afw_v4v6 policy)
{
	static char out[256];
	char copy[256], *word, *at;
	struct afw_addr a[16];
	size_t n = 0, i;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &at); word != NULL;
	     word = strtok_r(NULL, " ", &at))
		ck_assert_int_eq(afw_addr_parse(&a[n++], word), 0);
	n = dial_order(a, n, policy);
	out[0] = '\0';
	for (i = 0; i < n; i++)
		(void)snprintf(out + strlen(out), sizeof(out) - strlen(out),
		    "%s%u.%u", i == 0 ? "" : " ", a[i].family,
		    a[i].b[a[i].family == 4 ? 3 : 15]);
	return out;
}

START_TEST(families)
{
	static const char text[] =
	    "::1 192.0.2.1 ::2 192.0.2.2 192.0.2.1 ::3 ::1";

	ck_assert_str_eq(ordered(text, AFW_V4V6_LEGACY), "4.1 4.2 6.1 6.2 6.3");
	ck_assert_str_eq(ordered(text, AFW_V4V6_BOTH), "6.1 4.1 6.2 4.2 6.3");
	ck_assert_str_eq(ordered(text, AFW_V4V6_IPV4_ONLY), "4.1 4.2");
	ck_assert_str_eq(ordered(text, AFW_V4V6_IPV6_ONLY), "6.1 6.2 6.3");
	ck_assert_str_eq(ordered("192.0.2.1", AFW_V4V6_IPV6_ONLY), "");
	ck_assert_str_eq(ordered("192.0.2.1", AFW_V4V6_BOTH), "4.1");
}
END_TEST

/* ---- urls -------------------------------------------------------------- */

START_TEST(url_right)
{
	struct url u;
	char b[280];

	ck_assert_ptr_null(url_parse(&u, "https://api.example.com/v1/"));
	ck_assert_int_eq(u.scheme, URL_HTTPS);
	ck_assert_str_eq(u.host, "api.example.com");
	ck_assert_uint_eq(u.port, 443);
	ck_assert_str_eq(u.path, "/v1");
	ck_assert_ptr_null(url_parse(&u, "HTTPS://[2001:db8::1]:8443"));
	ck_assert_str_eq(u.host, "2001:db8::1");
	ck_assert_uint_eq(u.port, 8443);
	ck_assert_str_eq(url_host_print(u.host, u.port, 443, b, sizeof(b)),
	    "[2001:db8::1]:8443");
	ck_assert_ptr_null(url_parse(&u, "http://127.0.0.1:80"));
	ck_assert(u.loopback);
	ck_assert_ptr_null(url_parse(&u, "http://localhost/x"));
	ck_assert_ptr_null(url_parse(&u, "http://[::1]/x"));
	ck_assert_ptr_null(url_parse(&u, "file:/etc/a.json"));
	ck_assert_str_eq(u.path, "/etc/a.json");
	ck_assert_ptr_null(url_parse(&u, "file:///etc/a.json"));
	ck_assert_str_eq(u.path, "/etc/a.json");
}
END_TEST

static const char *const urls_bad[] = {"", "x", "ftp://a/", "https://",
    "https:///x", "https://a:0", "https://a:65536", "https://a:", "https://a:x",
    "https://u:p@a/", "https://a b/", "https://a/x?y=1", "https://a/#f",
    "https://[::1", "https://[1.2.3.4]/", "https://[::1]x",
    "http://example.com/", "http://1.2.3.4/", "file:rel",
    "file:", "http://127.0.0.1.example.com/", "https://a/\r\nHost: b"};

START_TEST(url_wrong)
{
	struct url u;

	ck_assert_ptr_nonnull(url_parse(&u, urls_bad[_i]));
}
END_TEST

/* ---- dns --------------------------------------------------------------- */

START_TEST(dns_garbage)
{
	uint8_t q[DNS_QUERY_MAX], m[600];
	struct dns_answer a;
	int n = dns_query(q, 0x1234, "a.example", 4), i, j;

	ck_assert_int_eq(n, 12 + 11 + 4);
	ck_assert_int_eq(dns_query(q, 1, "a..b", 4), -1);
	n = dns_query(q, 0x1234, "a.example", 4);
	/* our own question is no answer */
	ck_assert_int_eq(
	    dns_parse(q, (size_t)n, 0x1234, "a.example", 4, &a), DNS_FOREIGN);
	q[2] = 0x81;
	ck_assert_int_eq(
	    dns_parse(q, (size_t)n, 0x1234, "a.example", 4, &a), DNS_ADDRS);
	ck_assert_uint_eq(a.n, 0);
	ck_assert_int_eq(
	    dns_parse(q, (size_t)n, 0x1235, "a.example", 4, &a), DNS_FOREIGN);
	ck_assert_int_eq(
	    dns_parse(q, (size_t)n, 0x1234, "b.example", 4, &a), DNS_FOREIGN);
	ck_assert_int_eq(
	    dns_parse(q, (size_t)n, 0x1234, "a.example", 6, &a), DNS_FOREIGN);
	/* noise: every length, many contents, a CNAME to itself */
	srandom(1);
	for (i = 0; i < 20000; i++) {
		memcpy(m, q, (size_t)n);
		for (j = n; j < 100; j++)
			m[j] = (uint8_t)random();
		m[7] = (uint8_t)(random() % 4);
		if (i % 2 == 0) {
			memcpy(
			    m + n, "\xc0\x0c\0\5\0\1\0\0\0\1\0\2\xc0\x0c", 14);
			m[7] = 1;
		}
		(void)dns_parse(
		    m, (size_t)(random() % 100), 0x1234, "a.example", 4, &a);
	}
}
END_TEST

#define LOOP(tc, fn, of) \
	tcase_add_loop_test(tc, fn, 0, (int)(sizeof(of) / sizeof(of[0])))

int
main(void)
{
	Suite *s = suite_create("auth_parts");
	TCase *tc = tcase_create("readers");
	SRunner *sr;
	int failed;

	LOOP(tc, http_right, http_good);
	LOOP(tc, http_wrong, http_bad);
	tcase_add_test(tc, http_limits);
	tcase_add_test(tc, http_headers);
	tcase_add_test(tc, xml_conversation);
	tcase_add_test(tc, xml_form);
	LOOP(tc, xml_wrong, xml_bad);
	tcase_add_test(tc, xml_escaped);
	tcase_add_test(tc, cookie_jar);
	tcase_add_test(tc, parameters);
	LOOP(tc, answer_codes, answers);
	tcase_add_test(tc, public_keys);
	tcase_add_test(tc, provided);
	tcase_add_test(tc, families);
	tcase_add_test(tc, url_right);
	LOOP(tc, url_wrong, urls_bad);
	tcase_add_test(tc, dns_garbage);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
