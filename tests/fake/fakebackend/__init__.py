# SPDX-License-Identifier: ISC
"""The reference backend: a test part and an example of the REST contract.

accounts.py   users, devices, tokens and their limits
calls.py      the calls of the contract, from parameters to an answer
faults.py     what can be made to go wrong, per call, at run time
server.py     HTTP and TLS around the calls
admin.py      the second door: faults, state and the request log
main.py       configuration file and start-up
"""
