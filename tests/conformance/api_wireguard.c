/* SPDX-License-Identifier: ISC */
/*
 * "type": "wireguard" at the API: errors, the event "ready", interfaces. The
 * locations have no WireGuard nodes here, so a tunnel is tried at once and
 * fails; those that connect are in tests/netns/test_wireguard.py.
 */
#include "conform.h"

#include <net/if.h>
#include <stdlib.h>

#define PARIS     "fr-paris"
#define TOKYO     "jp-tokyo"

#define WIREGUARD "\"type\":\"wireguard\",\"vl_default\":\"\""
#define MANUAL    "{" WIREGUARD ",\"default_gateway\":0," NO_RULES "}"
#define NO_RULES                                                \
	"\"protected_ip_addrs\":[],\"protected_mac_addrs\":[]," \
	"\"protected_ifaces\":[]"

/* Until its "ready"; there is no default location whose event could come. */
static void
begin_running(void)
{
	char *list;

	(void)lab("wireguard %s", PARIS);
	(void)lab("wireguard %s", TOKYO);
	begin(MANUAL);
	run_begin();
	(void)event_await("ready", NULL, 0, 20);
	ck_assert_ptr_nonnull(list = afwrt_get_locations());
	free(list);
}

static void
end(void)
{
	run_stop();
	ck_does(afwrt_deinit());
	await_no_helpers();
}

START_TEST(ready_when_commands_are_taken)
{
	size_t i;

	begin_running();
	ck_assert_int_eq(events_count("ready", NULL), 1);
	ck_assert_int_eq(events_count("route_connected", NULL), 0);
	for (i = 0; event_text(i) != NULL; i++)
		if (strstr(event_text(i), "ready") != NULL)
			break;
	ck_assert_str_eq(event_text(i), "{\"event\":\"ready\"}");
	end();
}
END_TEST

START_TEST(no_tunnel_without_a_default_location)
{
	char *status;

	begin_running();
	ck_assert_uint_eq(if_nametoindex("wrt0"), 0);
	ck_assert_ptr_nonnull(status = afwrt_get_status());
	ck_assert_ptr_nonnull(strstr(status, "\"routes\":[]"));
	afwrt_free(status);
	end();
}
END_TEST

START_TEST(rules_do_not_work)
{
	begin_running();
	ck_fails(afwrt_protect_ip_addr("192.168.50.139", PARIS), ENOTSUP);
	ck_fails(afwrt_unprotect_ip_addr("192.168.50.139"), ENOTSUP);
	ck_fails(afwrt_protect_mac_addr("08:00:27:AA:D7:17", PARIS), ENOTSUP);
	ck_fails(afwrt_unprotect_mac_addr("08:00:27:AA:D7:17"), ENOTSUP);
	ck_fails(afwrt_protect_iface("br0", PARIS), ENOTSUP);
	ck_fails(afwrt_unprotect_iface("br0"), ENOTSUP);
	end();
}
END_TEST

START_TEST(rules_of_the_configuration)
{
	ck_fails(afwrt_init(config_with("{" WIREGUARD
					",\"protected_ip_addrs\":[{\"ip_addr\":"
					"\"10.0.0.1\",\"vl\":\"us\"}]}"),
		     NULL),
	    EINVAL);
	ck_assert_ptr_nonnull(strstr(afwrt_last_error(), "protected_ip_addrs"));
}
END_TEST

START_TEST(setup_needs_an_interface)
{
	begin_running();
	ck_fails(afwrt_setup_tunnel(PARIS, NULL), EINVAL);
	ck_fails(afwrt_setup_tunnel(PARIS, ""), EINVAL);
	ck_fails(afwrt_setup_tunnel(PARIS, "a/b"), EINVAL);
	ck_fails(afwrt_setup_tunnel(PARIS, "sixteen-letters-"), EINVAL);
	ck_fails(afwrt_setup_tunnel(NULL, "wgt0"), EINVAL);
	ck_fails(afwrt_setup_tunnel("nowhere", "wgt0"), ENOENT);
	end();
}
END_TEST

/* By the system, by the uplink, by a tunnel of ours. */
START_TEST(setup_with_a_name_in_use)
{
	begin_running();
	ck_fails(afwrt_setup_tunnel(PARIS, "lo"), EBUSY);
	ck_fails(afwrt_setup_tunnel(PARIS, "wan0"), EBUSY);
	ck_does(afwrt_setup_tunnel(PARIS, "wgt0"));
	ck_fails(afwrt_setup_tunnel(TOKYO, "wgt0"), EBUSY);
	ck_does(afwrt_setup_tunnel(TOKYO, "wgt1"));
	end();
	ck_assert_uint_eq(if_nametoindex("wgt0"), 0);
	ck_assert_uint_eq(if_nametoindex("wgt1"), 0);
}
END_TEST

START_TEST(setup_and_teardown)
{
	begin_running();
	ck_does(afwrt_setup_tunnel(PARIS, "wgt0"));
	ck_assert_uint_ne(if_nametoindex("wgt0"), 0);
	/* nothing was sent to it, it is tried at once all the same */
	(void)event_await("route_failed", PARIS, 0, 20);
	ck_does(afwrt_setup_tunnel(PARIS, "wgt0"));
	(void)event_await("route_failed", PARIS, 1, 20);
	ck_does(afwrt_teardown_tunnel(PARIS));
	ck_assert_uint_eq(if_nametoindex("wgt0"), 0);
	ck_fails(afwrt_teardown_tunnel(PARIS), ENOENT);
	end();
}
END_TEST

int
main(void)
{
	conform_begin("api_wireguard");
	CONFORM(ready_when_commands_are_taken, 60);
	CONFORM(no_tunnel_without_a_default_location, 60);
	CONFORM(rules_do_not_work, 60);
	CONFORM(rules_of_the_configuration, 20);
	CONFORM(setup_needs_an_interface, 60);
	CONFORM(setup_with_a_name_in_use, 60);
	CONFORM(setup_and_teardown, 90);
	return conform_run();
}
