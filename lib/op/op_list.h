/* SPDX-License-Identifier: MIT */
/* All ops, one row each; mg_shape_same, mg_run_add and so on are the functions meant. Enumeration, names, arity,
   shapes, kernels and derivatives come from here, and tests/grad goes through the rows. A derivative emits nodes of
   this list, never numbers, so a gradient is a graph that has a gradient.

   arity       ANY: any number of inputs
   shape       shape.c: sets the node's shape, or says what is wrong
   kernel      run.c; run_none: there is nothing to compute
   derivative  derive.c, lstm.c and so on; d_none: gradients end here; d_spelled: it is that of the spelling
   flags       EACH      element by element: may overwrite an input that nobody reads any more; reads any strides
               STRIDES   reads its inputs at any strides
               ALIAS     the input's memory under another shape; DENSE: which must be without holes
               VIEW      the input's memory at other strides
               SOURCE    memory that is there before a run
               DISTINCT  two of them are never one
               SHARED    the threads of a team make it together, each its part
   A FUSED row also names its spelling in plain ops and the scratch that its kernel needs; with no_spelling it is a
   plain op that needs scratch. */
#ifndef OP_OP_LIST_H
#define OP_OP_LIST_H

/*    name         arity shape         kernel           derivative    flags */
#define MG_OP_LIST(OP, FUSED)                                                                                         \
    OP(input,          0,   shape_given,     run_none,         d_none,         SOURCE | DISTINCT)                     \
    OP(param,          0,   shape_given,     run_none,         d_none,         SOURCE | DISTINCT)                     \
    OP(state,          0,   shape_given,     run_none,         d_none,         SOURCE | DISTINCT)                     \
    OP(fill,           0,   shape_given,     run_none,         d_none,         SOURCE)                                \
    OP(table,          0,   shape_given,     run_none,         d_none,         SOURCE | DISTINCT)                     \
    OP(uniform,        0,   shape_given,     run_uniform,      d_none,         DISTINCT)                              \
    OP(affine,         1,   shape_same,      run_affine,       d_affine,       EACH)                                  \
    OP(add,            2,   shape_same,      run_add,          d_add,          EACH)                                  \
    OP(sub,            2,   shape_same,      run_sub,          d_sub,          EACH)                                  \
    OP(mul,            2,   shape_same,      run_mul,          d_mul,          EACH)                                  \
    OP(div,            2,   shape_same,      run_div,          d_div,          EACH)                                  \
    OP(max,            2,   shape_same,      run_max,          d_max,          EACH)                                  \
    OP(step,           1,   shape_same,      run_step,         d_none,         EACH)                                  \
    OP(equal,          2,   shape_same,      run_equal,        d_none,         EACH)                                  \
    OP(select,         3,   shape_same,      run_select,       d_select,       EACH)                                  \
    OP(exp,            1,   shape_same,      run_exp,          d_exp,          EACH)                                  \
    OP(log,            1,   shape_same,      run_log,          d_log,          EACH)                                  \
    OP(sqrt,           1,   shape_same,      run_sqrt,         d_sqrt,         EACH)                                  \
    OP(tanh,           1,   shape_same,      run_tanh,         d_tanh,         EACH)                                  \
    OP(erf,            1,   shape_same,      run_erf,          d_erf,          EACH)                                  \
    OP(sigmoid,        1,   shape_same,      run_sigmoid,      d_sigmoid,      EACH)                                  \
    OP(softplus,       1,   shape_same,      run_softplus,     d_softplus,     EACH)                                  \
    OP(cast,           1,   shape_cast,      run_cast,         d_none,         0)                                     \
    OP(to_index,       1,   shape_to_index,  run_to_index,     d_none,         0)                                     \
    OP(stop_gradient,  1,   shape_same,      run_rearrange,    d_none,         ALIAS)                                 \
    OP(copy,           1,   shape_same,      run_rearrange,    d_copy,         ALIAS | DISTINCT)                      \
    OP(reshape,        1,   shape_reshape,   run_rearrange,    d_reshape,      ALIAS | DENSE)                         \
    OP(split,          1,   shape_same,      run_rearrange,    d_split,        ALIAS | DENSE)                         \
    OP(part,           1,   shape_part,      run_rearrange,    d_none,         ALIAS | DENSE)                         \
    OP(permute,        1,   shape_permute,   run_rearrange,    d_permute,      VIEW)                                  \
    OP(broadcast,      1,   shape_broadcast, run_rearrange,    d_broadcast,    VIEW)                                  \
    OP(slice,          1,   shape_slice,     run_rearrange,    d_slice,        VIEW)                                  \
    OP(pad,            1,   shape_pad,       run_pad,          d_pad,          STRIDES)                               \
    OP(concat,         ANY, shape_concat,    run_concat,       d_concat,       STRIDES)                               \
    OP(sum,            1,   shape_reduce,    run_sum,          d_sum,          STRIDES)                               \
    OP(max_over,       1,   shape_reduce,    run_max_over,     d_max_over,     STRIDES)                               \
    OP(gather,         2,   shape_gather,    run_gather,       d_gather,       0)                                     \
    OP(scatter_add,    2,   shape_scatter,   run_scatter_add,  d_scatter_add,  0)                                     \
    FUSED(matmul,      2,   shape_matmul,    run_matmul,       d_matmul,       STRIDES | SHARED, no_spelling,        \
          scratch_matmul)                                                                                             \
    FUSED(conv,        2,   shape_conv,      run_conv,         d_conv,         SHARED, no_spelling, scratch_conv)     \
    FUSED(conv_to_input, 2, shape_conv_to_input, run_conv_to_input, d_conv_to_input, SHARED, no_spelling,             \
          scratch_conv)                                                                                               \
    FUSED(conv_to_kernel, 2, shape_conv_to_kernel, run_conv_to_kernel, d_conv_to_kernel, SHARED, no_spelling,         \
          scratch_conv)                                                                                               \
    FUSED(linear,      3,   shape_linear,    run_linear,       d_linear,       SHARED, spell_linear, scratch_linear)  \
    FUSED(softmax,     1,   shape_same,      run_softmax,      d_softmax,      0, spell_softmax, no_scratch)          \
    FUSED(log_softmax, 1,   shape_same,      run_log_softmax,  d_log_softmax,  0, spell_log_softmax, no_scratch)      \
    FUSED(cross_entropy, 2, shape_cross_entropy, run_cross_entropy, d_cross_entropy, 0, spell_cross_entropy,          \
          scratch_cross_entropy)                                                                                      \
    FUSED(cross_entropy_back, 3, shape_cross_entropy_back, run_cross_entropy_back, d_spelled, 0,                      \
          spell_cross_entropy_back, no_scratch)                                                                       \
    FUSED(lstm,        5,   shape_lstm,      run_lstm,         d_lstm,         SHARED, spell_lstm, scratch_lstm)      \
    FUSED(lstm_back,   8,   shape_lstm_back, run_lstm_back,    d_spelled,      SHARED, spell_lstm_back,               \
          scratch_lstm_back)

#endif
