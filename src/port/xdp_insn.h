/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions of eBPF, to write programs of a few lines without a compiler. */
#pragma once

#include <linux/bpf.h>

#define INSN(op, to, from, offset, value)                                     \
	((struct bpf_insn){.code = (op), .dst_reg = (to), .src_reg = (from),  \
	    .off = (offset), .imm = (value)})

#define LOAD(size, to, from, offset)                                           \
	INSN(BPF_LDX | BPF_MEM | (size), to, from, offset, 0)
#define STORE(size, to, offset, from)                                         \
	INSN(BPF_STX | BPF_MEM | (size), to, from, offset, 0)
#define SET(to, value) INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define COPY(to, from) INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define ADD(to, value) INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define ADD_REG(to, from) INSN(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define SUB_REG(to, from) INSN(BPF_ALU64 | BPF_SUB | BPF_X, to, from, 0, 0)
#define SHIFT(to, value) INSN(BPF_ALU64 | BPF_LSH | BPF_K, to, 0, 0, value)
#define CALL(number) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, number)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define GOTO(n) INSN(BPF_JMP | BPF_JA, 0, 0, n, 0)
/* Skip the next n instructions if the register compares so. */
#define SKIP_IF(op, reg, value, n)                                            \
	INSN(BPF_JMP | (op) | BPF_K, reg, 0, n, value)
#define SKIP_IF_REG(op, reg, other, n)                                        \
	INSN(BPF_JMP | (op) | BPF_X, reg, other, n, 0)
/* A map, and the memory of an array map's first value: two places each. */
#define MAP(to, map)                                                          \
	INSN(BPF_LD | BPF_IMM | BPF_DW, to, BPF_PSEUDO_MAP_FD, 0, map),       \
	INSN(0, 0, 0, 0, 0)
#define MAP_MEMORY(to, map)                                                   \
	INSN(BPF_LD | BPF_IMM | BPF_DW, to, BPF_PSEUDO_MAP_VALUE, 0, map),    \
	INSN(0, 0, 0, 0, 0)
