# SPDX-License-Identifier: ISC
"""A laboratory of network namespaces around a router; see topology.py."""
