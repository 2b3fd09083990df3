/* SPDX-License-Identifier: MIT */
/* Any bytes: tensors that lie inside them, or a reason. */
#include "tests/fuzz/fuzz.h"

#include <mgen/data.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mg_tensors *tensors;
    mg_error why = {0};
    if (mg_tensors_parse(bytes, size, "fuzz", &tensors, &why)) {
        MUST(why.text[0]);
        return 0;
    }
    for (size_t i = 0; i < mg_tensors_count(tensors); i++) {
        const mg_stored *stored = mg_tensors_at(tensors, i);
        size_t n = stored->count * mg_dtype_size(stored->dtype);
        const uint8_t *data = stored->data;
        MUST(data >= bytes && n <= size && data + n <= bytes + size);
        double *values = malloc((stored->count + 1) * sizeof *values);
        mg_stored_doubles(stored, values);
        free(values);
    }
    mg_tensors_metadata(tensors, "mgen");
    mg_tensors_close(tensors);
    return 0;
}
