# resolver.py: libunbound, to look at the test world without postseald
# SPDX-License-Identifier: BSD-3-Clause
import ctypes
import pathlib

TYPES = {"A": 1, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
RCODES = {0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}


class _Result(ctypes.Structure):  # struct ub_result of unbound.h
    _fields_ = [
        ("qname", ctypes.c_char_p),
        ("qtype", ctypes.c_int),
        ("qclass", ctypes.c_int),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("len", ctypes.POINTER(ctypes.c_int)),
        ("canonname", ctypes.c_char_p),
        ("rcode", ctypes.c_int),
        ("answer_packet", ctypes.c_void_p),
        ("answer_len", ctypes.c_int),
        ("havedata", ctypes.c_int),
        ("nxdomain", ctypes.c_int),
        ("secure", ctypes.c_int),
        ("bogus", ctypes.c_int),
        ("why_bogus", ctypes.c_char_p),
        ("was_ratelimited", ctypes.c_int),
        ("ttl", ctypes.c_int),
    ]


class Resolver:
    def __init__(self, trust_anchor: pathlib.Path, root_hints: pathlib.Path) -> None:
        self._library = ctypes.CDLL("libunbound.so.8")
        self._library.ub_ctx_create.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.ub_ctx_create())
        for option, value in (
            ("root-hints:", str(root_hints)), ("do-not-query-localhost:", "no")
        ):
            self._check(self._library.ub_ctx_set_option(
                self._context, option.encode(), value.encode()
            ))
        self._check(self._library.ub_ctx_add_ta_file(self._context, str(trust_anchor).encode()))

    def status(self, name: str, rtype: str) -> str:
        """ "secure NOERROR 2": DNSSEC status, response code, number of records."""
        result = ctypes.POINTER(_Result)()
        self._check(self._library.ub_resolve(
            self._context, name.encode(), TYPES[rtype], 1, ctypes.byref(result)
        ))
        found = result.contents
        security = "bogus" if found.bogus else "secure" if found.secure else "insecure"
        count = 0
        while found.havedata and found.data[count]:
            count += 1
        text = f"{security} {RCODES[found.rcode]} {count}"
        self._library.ub_resolve_free(result)
        return text

    def close(self) -> None:
        self._library.ub_ctx_delete(self._context)

    @staticmethod
    def _check(error: int) -> None:
        assert error == 0, f"libunbound error {error}"
