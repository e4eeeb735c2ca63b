# embed.py: writes the page's files as the C++ source of serve/page.h
#   embed.py OUT PATH=FILE...
# SPDX-License-Identifier: BSD-3-Clause
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PIECE = 2048  # octets: a compiler may take a literal of no more than 65536


def literal(content: bytes) -> str:
    pieces = (content[at:at + PIECE] for at in range(0, len(content), PIECE))
    # Octal escapes end after three digits, whatever follows.
    return "\n".join('    "' + "".join(f"\\{octet:03o}" if octet < 32 or octet > 126 or
                                       octet in b'"\\?' else chr(octet) for octet in piece) + '"'
                     for piece in pieces)


def main() -> None:
    out, *files = sys.argv[1:]
    rows = []
    for path, name in (file.split("=", 1) for file in files):
        content = pathlib.Path(name).read_bytes()
        rows.append(f'    {{"{path}", "{TYPES[pathlib.Path(name).suffix]}",\n'
                    f'     std::string_view(\n{literal(content)},\n     {len(content)})}},\n')
    text = f"""#include "serve/page.h"

namespace postseal::serve {{
namespace {{

constexpr PageFile files[] = {{
{"".join(rows)}}};

}} // namespace

const PageFile* page_file(std::string_view path) {{
    for (const PageFile& file : files)
        if (file.path == path) return &file;
    return nullptr;
}}

}} // namespace postseal::serve
"""
    pathlib.Path(out).write_text(text, encoding="ascii")


main()
