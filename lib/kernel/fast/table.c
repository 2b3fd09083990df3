/* SPDX-License-Identifier: MIT */
/* The table of this class. */
#include "kernel/fast/fast.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

extern const mg_kernels MG_K(kernels);
const mg_kernels MG_K(kernels) = {
    .name = NAME_OF(MG_CLASS),
    .each = {
#define E(name, inputs, value) [MG_EACH_##name] = MG_K(each_##name),
        MG_EACH_LIST(E)
#undef E
    },
    .sum = MG_K(sum), .softmax = MG_K(softmax), .log_softmax = MG_K(log_softmax),
    .lstm_row = MG_K(lstm_row), .lstm_back_row = MG_K(lstm_back_row),
    .product = MG_K(product), .pack = MG_K(pack), .dots = MG_K(dots),
    .int8_product = MG_K(int8_product), .bf16_product = MG_K(bf16_product), .bf16_pack = MG_K(bf16_pack),
    .sgd = MG_K(sgd), .adam = MG_K(adam), .rmsprop = MG_K(rmsprop), .squares = MG_K(squares), .blend = MG_K(blend),
};
