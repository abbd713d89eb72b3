# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
endif
