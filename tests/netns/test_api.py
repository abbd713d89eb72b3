# SPDX-License-Identifier: ISC
"""The C API, by programs of tests/conformance that are linked with the
installed library and run in the router."""

import signal

import pytest

from lab import conform, names

CASES = conform.cases()


@pytest.fixture(scope="module")
def programs(product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("conformance")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    conform.build(product, str(folder))
    return str(folder)


@pytest.mark.parametrize("program,test,seconds", CASES,
                         ids=["%s-%s" % c[:2] for c in CASES])
def test_c_api(lab, programs, program, test, seconds):
    signal.alarm(seconds + 60)
    running = conform.Program(lab, programs, program, test)
    try:
        status, said = running.run(seconds)
        print(*running.requests.notes, sep="\n")
        assert status == 0, said
        assert running.requests.do_leftovers() == "none"
        assert not running.suite.trouble()
        for secret in (names.NODE_PASSWORD, "oauth-alice", "wonderland"):
            assert secret not in running.suite.log()
    finally:
        running.repair()
