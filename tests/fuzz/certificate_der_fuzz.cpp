// SPDX-License-Identifier: BSD-3-Clause
//
// Input: a certificate in DER.
#include "postseal/dane/certificate_der.h"

#include "fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using postseal::fuzz::check;
    const auto text = postseal::fuzz::as_text(data, size);
    const auto key = postseal::dane::public_key_of(text);
    const auto part = postseal::dane::signed_part_of(text);
    if (part) check(text.contains(*part));
    // The key is within what is signed.
    if (key) check(part && key->data() > part->data() && part->contains(*key));
    return 0;
}
