# SPDX-License-Identifier: ISC
# The document's statements and their proof. The programs are built here so
# that every compiler sees them; they run in the laboratory, linked with the
# installed library: tests/netns/test_api.py.
conform_programs = api_account api_calls api_config api_events api_life \
	api_loop api_tunfd
EXTRA_DIST += tests/conformance/README tests/conformance/abi.sh \
	tests/conformance/abi.txt tests/conformance/check_table.py \
	tests/conformance/check_table.sh tests/conformance/statements.tsv \
	tests/conformance/valgrind.sh tests/conformance/valgrind.supp
TESTS += tests/conformance/abi.sh
if !IN_DISTCHECK
TESTS += tests/conformance/check_table.sh
endif
