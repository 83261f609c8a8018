/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control ABI between ipfw and kipfw: what travels over the socket.
 *
 * Place      ctl/ on both sides; other programs may compile against it.
 * Wire       each request and each reply is a wire_hdr (four u32 in network
 *            order) and 'optlen' octets of the set/getsockopt data of ipfw as
 *            the userspace build of 2014 sends it: host endian, x86-64 padding.
 * Sizes      those of FreeBSD 11; additions of 13/14 fit in spare fields.
 *
 *	request   optlen  level(0)  optname  dir (0 get, 1 set)
 *	reply     optlen  errno     optname  dir
 *
 * Requests may be pipelined on a connection and are answered in order.  The
 * reply to a SET carries no data.  A GET answers exactly optlen octets; if the
 * caller's room (its own optlen) was too small the errno is ENOMEM and the data
 * is a header that tells the size needed.  The original echoes optname in host
 * order: do not check it.
 */
#pragma once

#include <stdint.h>

enum {
	CTL_PORT = 5555,	  /* default TCP port, on 127.0.0.1 */
	CTL_MAX_PAYLOAD = 16 << 20, /* largest accepted request */
	CTL_DIR_GET = 0,
	CTL_DIR_SET = 1,
};

struct wire_hdr { /* each field in network order */
	uint32_t optlen;
	uint32_t level; /* request: ignored; reply: errno */
	uint32_t optname;
	uint32_t dir;
};

enum ctl_optname { /* the userspace numbers: FreeBSD's + 60 */
	CTL_FW3 = 108,
	CTL_DUMMYNET3 = 109,
	CTL_FW_ADD = 110, /* 110 to 124: FreeBSD 7 and 8, refused */
};

enum fw3_op { /* first u16 of CTL_FW3 data */
	FW3_TABLE_XADD = 86,
	FW3_TABLE_XDEL = 87,
	FW3_TABLE_XGETSIZE = 88,
	FW3_TABLE_XLIST = 89,
	FW3_TABLE_XDESTROY = 90,
	FW3_TABLES_XLIST = 92,
	FW3_TABLE_XINFO = 93,
	FW3_TABLE_XFLUSH = 94,
	FW3_TABLE_XCREATE = 95,
	FW3_TABLE_XMODIFY = 96,
	FW3_XGET = 97,
	FW3_XADD = 98,
	FW3_XDEL = 99,
	FW3_XMOVE = 100,
	FW3_XZERO = 101,
	FW3_XRESETLOG = 102,
	FW3_SET_SWAP = 103,
	FW3_SET_MOVE = 104,
	FW3_SET_ENABLE = 105,
	FW3_TABLE_XFIND = 106,
	FW3_XIFLIST = 107,
	FW3_TABLES_ALIST = 108,
	FW3_TABLE_XSWAP = 109,
	FW3_TABLE_VLIST = 110,
	FW3_DUMP_SOPTCODES = 116,
	FW3_DUMP_SRVOBJECTS = 117,
	FW3_PLAN = 0x4b01, /* kipfw's own: obj_lhdr, one plan_info */
	FW3_TRIAL = 0x4b02, /* kipfw's own: trial_req and a frame; trial_reply */
};

struct fw3_hdr {
	uint16_t opcode;
	uint16_t version;
	uint16_t reserved[2];
};

enum tlv_type {
	TLV_TBL_NAME = 1,
	TLV_TBLNAME_LIST = 2,
	TLV_RULE_LIST = 3,
	TLV_DYNSTATE_LIST = 4,
	TLV_TBL_ENT = 5,
	TLV_DYN_ENT = 6,
	TLV_RULE_ENT = 7,
	TLV_TBLENT_LIST = 8,
	TLV_RANGE = 9,
	TLV_EACTION = 10,
	TLV_COUNTERS = 11,
	TLV_OBJDATA = 12,
	TLV_STATE_NAME = 14,
};

struct obj_tlv {
	uint16_t type;
	uint16_t flags;
	uint32_t length; /* this header included; a multiple of 8 */
};

struct obj_ntlv { /* a name and the index that stands for it */
	struct obj_tlv head;
	uint16_t idx;
	uint8_t set8; /* 13 and 14; spare in 11 */
	uint8_t type;
	uint32_t set;
	char name[64];
};

struct obj_ctlv { /* a list of objects */
	struct obj_tlv head;
	uint32_t count;
	uint16_t objsize;
	uint8_t version;
	uint8_t flags;
};

enum range_flags {
	RANGE_RULES = 0x1, /* start_rule to end_rule, both included */
	RANGE_ALL = 0x2,
	RANGE_SET = 0x4, /* only rules of 'set' */
	RANGE_DYNAMIC = 0x8, /* only states (12+) */
	RANGE_USER = RANGE_RULES | RANGE_ALL | RANGE_SET | RANGE_DYNAMIC,
};

struct range_tlv {
	struct obj_tlv head;
	uint32_t flags;
	uint16_t start_rule;
	uint16_t end_rule;
	uint32_t set;	  /* SET_ENABLE: bits of the sets to disable */
	uint32_t new_set; /* SET_ENABLE: bits to enable; reply: rules touched */
};

struct range_hdr {
	struct fw3_hdr op;
	struct range_tlv range;
};

struct obj_hdr {
	struct fw3_hdr op;
	uint32_t spare;
	uint16_t idx;
	uint8_t objtype;
	uint8_t objsubtype;
	struct obj_ntlv ntlv;
};

struct obj_lhdr {
	struct fw3_hdr op;
	uint32_t set_mask;
	uint32_t count;
	uint32_t size; /* needed, header included */
	uint32_t objsize;
};

enum cfg_flags {
	CFG_STATIC = 0x1,
	CFG_STATES = 0x2,
	CFG_COUNTERS = 0x4,
	CFG_PART = 0x100, /* ours: see 'spare' */
};

struct cfg_lhdr {
	struct fw3_hdr op;
	uint32_t set_mask; /* reply: bits of the enabled sets */
	/* With CFG_STATES | CFG_PART, as many states as there is room for: from
	 * which on, 0 at first; reply: from which to go on, 0 after the last. */
	uint32_t spare;
	uint32_t flags; /* CFG_* */
	uint32_t size;	/* reply: needed, header included */
	uint32_t start_rule;
	uint32_t end_rule;
};

enum rule_flags { /* how the text looked; the daemon only keeps them */
	RULE_NOOPT = 0x1,   /* only options: '-c' prints nothing else */
	RULE_JUSTOPTS = 0x2, /* no 'PROTO from A to B' was written (12+) */
};

struct abi_rule { /* cmd_len words of bytecode follow */
	uint16_t act_ofs; /* words from the first instruction to the action */
	uint16_t cmd_len; /* words in all */
	uint16_t spare;
	uint8_t set; /* 0 to 31 */
	uint8_t flags;
	uint32_t rulenum; /* 1 to 65535; 0 in add: choose */
	uint32_t id;
};

struct abi_counter {
	uint16_t size;
	uint8_t flags;
	uint8_t spare;
	uint32_t timestamp; /* seconds since 1970 of the last match, 0 never */
	uint64_t pcnt;
	uint64_t bcnt;
};

struct abi_flow_id { /* host order, but for the addresses of IPv6 */
	uint32_t dst, src;
	uint16_t dst_port, src_port;
	uint8_t fib, proto, flags, family; /* 4 or 6 */
	uint8_t dst6[16], src6[16];
	uint32_t flow_label, extra;
};

struct abi_state { /* FreeBSD 11's, after an obj_tlv DYN_ENT */
	uint64_t next;
	uint16_t rule; /* its number, where a pointer was */
	uint8_t set;
	uint8_t pad;
	uint16_t name; /* index of a STATE_NAME; 0 in 11 */
	uint16_t pad2;
	uint64_t parent;
	uint64_t pkts, bytes;
	struct abi_flow_id id;
	uint32_t expire_s; /* left */
	uint32_t bucket;
	uint32_t state; /* TCP flags of both directions */
	uint32_t ack_fwd, ack_rev;
	uint16_t type; /* opcode that made it */
	uint16_t count; /* of a parent */
};

struct sopt_info {
	uint16_t opcode;
	uint8_t version;
	uint8_t dir;
	uint8_t spare;
	uint64_t refcnt;
};

struct iface_info {
	char ifname[64];
	uint32_t ifindex;
	uint32_t flags; /* 1 = resolved */
	uint32_t refcnt;
	uint32_t gencnt;
	uint64_t spare;
};

/* ---- the index of the rules: kipfw's own ---- */

enum plan_flags {
	PLAN_FOREST = 1,   /* else the rules are looked through in order */
	PLAN_BURSTS = 2,   /* packets go down its trees together */
	PLAN_BUILDING = 4, /* a new one is under way */
};

struct plan_info {
	uint32_t rules;	  /* in force, the default rule included */
	uint32_t flags;
	uint32_t nodes;
	uint32_t leaves;
	uint32_t refs;	  /* rules in all leaves */
	uint32_t depth;
	uint32_t longest; /* rules of the longest leaf */
	uint32_t indexed; /* rules that the forest was built from */
	uint32_t added;	  /* since then, looked through beside it */
	uint32_t gone;	  /* since then */
	uint64_t bytes;
	uint64_t build_ns;
	uint64_t builds;  /* so far */
	char scan[16];	  /* how rules are compared */
};

/* ---- what would become of a packet: kipfw's own ---- */

enum trial_prob { /* how 'prob' ends */
	TRIAL_PROB_YES,	 /* it matches */
	TRIAL_PROB_NO,
	TRIAL_PROB_DRAW, /* from 'seed' */
};

enum trial_req_flags {
	TRIAL_OUT = 0x1,   /* the evaluation on the way out alone */
	TRIAL_STEPS = 0x2, /* the reply shall have them */
	TRIAL_ANY_IF = 0x4, /* interfaces need not be ports */
	TRIAL_AT = 0x8,	/* it is now_s; only where no worker runs */
	TRIAL_REMEMBER = 0x10, /* with TRIAL_AT: states are booked and made */
};

struct trial_req { /* 'frame_len' octets follow, Ethernet header first */
	struct fw3_hdr op;
	uint32_t flags; /* TRIAL_* */
	uint32_t prob;	/* TRIAL_PROB_* */
	uint64_t seed;
	uint32_t frame_len; /* at most 65535 */
	uint32_t now_s;	 /* seconds of any clock that does not jump */
	char in_if[16];	 /* "": the first port, or the other one of out_if */
	char out_if[16]; /* "": the other port of the pair */
};

/* What happened at a rule, in order. */
enum trial_what {
	TRIAL_OFF = 1, /* its set is switched off; 'n' as with a miss */
	TRIAL_MISS,    /* 'word' begins the tests that failed; 'n': how many
			* of the rule's words would have failed, 0 = none:
			* it looked for a state */
	TRIAL_PROB,    /* 'n' = 1: taken as matched */
	TRIAL_HIT,     /* it asked for states and found one, under 'n', which
			* leads to the rule of the next step; 'value':
			* TRIAL_BACK, TRIAL_MADE_NOW */
	TRIAL_KEEP,    /* 'word' would make a state: 'n' is one of TRIAL_KEEP_* */
	TRIAL_DEFER,   /* defer-action: the rest is for those with a state */
	TRIAL_IDLE,    /* the tests match, and the action has nothing to do */
	TRIAL_NO_JUMP, /* 'n' = 0: a call too deep, 1: a return without one */
	TRIAL_LOG,
	TRIAL_TAG,     /* 'n' */
	TRIAL_UNTAG,   /* 'n' */
	TRIAL_ACT,     /* 'word' is the action, 'value' its number if it has
			* one; from here on the rule has counted the packet */
	TRIAL_RESUME,  /* after a pipe the search goes on below this rule */
	TRIAL_WAY_OUT, /* the evaluation on the way out begins */
};

enum trial_keep {
	TRIAL_KEEP_MADE,
	TRIAL_KEEP_THERE,   /* it exists already */
	TRIAL_KEEP_NO_IP,   /* frames that are not IP have none */
	TRIAL_KEEP_FULL,    /* no room: dropped */
	TRIAL_KEEP_LIMITED, /* the limit is reached: dropped */
};

enum { /* bits of a TRIAL_HIT's value */
	TRIAL_BACK = 1,	    /* the packet answers the state's first one */
	TRIAL_MADE_NOW = 2, /* this packet itself would have made it */
};

struct trial_step {
	uint32_t rule_id;
	uint16_t rule; /* its number */
	uint8_t what;  /* TRIAL_* */
	uint8_t arg;   /* TRIAL_ACT: 1 = 'value' is a table's */
	uint16_t word; /* from the rule's first instruction */
	uint16_t n;
	uint32_t value; /* TRIAL_MISS: mark, dscp or tag of the packet by now */
};

enum trial_end {
	TRIAL_ACCEPT,
	TRIAL_DENY,
	TRIAL_BACKWARD, /* accepted: out of the port it came in by */
	TRIAL_DIVERT,	/* a listener has it */
	TRIAL_REASS,	/* waits for the other fragments */
	TRIAL_BAD,	/* dropped before the rules */
	TRIAL_ENDLESS,	/* given up: too many rules were looked at */
};

enum trial_reply_flags {
	TRIAL_FW_OFF = 0x1,  /* net.inet.ip.fw.enable is 0: no rule is asked */
	TRIAL_PIPED = 0x2,   /* 'to' is a pipe */
	TRIAL_QUEUED = 0x4,  /* 'to' is a queue */
	TRIAL_NO_PIPE = 0x8, /* which does not exist: dropped */
	TRIAL_NOBODY = 0x10, /* nobody listens at divert port 'to' now */
	TRIAL_NO_OUT = 0x20, /* asked about the way out, where kipfw asks no
			      * rules: net.inet.ip.fw.out_pass is 0 */
	TRIAL_EITHER = 0x40, /* one of two states: which one is not known */
	TRIAL_CUT = 0x80,    /* there were more steps */
};

enum trial_facts_flags { /* those of packet/pkt.h */
	TRIAL_IP4 = 0x01,
	TRIAL_IP6 = 0x02,
	TRIAL_LATER_FRAG = 0x04,
	TRIAL_FRAG = 0x08,
	TRIAL_L4 = 0x10,
	TRIAL_PORTS = 0x20,
	TRIAL_VLAN = 0x40,
};

/* The packet as the rules saw it first; host order but for addresses. */
struct trial_facts {
	uint8_t flags; /* TRIAL_IP4 and so on */
	uint8_t proto;
	uint8_t tcp_flags; /* or ICMP type; with TRIAL_L4 */
	uint8_t frag;	   /* FRAG_* */
	uint8_t ext;	   /* EXT_* */
	uint8_t tos;
	uint8_t ttl;
	uint8_t tcp_opts; /* TCPOPT_* */
	uint8_t ip_opts;  /* IPOPT_* */
	uint8_t bad;	  /* why it never came to the rules, 0 = it did */
	uint16_t ethertype;
	uint16_t ip_len, ip_id;
	uint16_t sport, dport;
	uint16_t tcp_win, tcp_mss;
	uint32_t tcp_seq, tcp_ack;
	uint32_t tcp_data;
	uint32_t flow_label;
	uint32_t frame_len;
	uint8_t src[16], dst[16]; /* IPv4: the first four octets */
	uint8_t macs[12];	  /* destination, source */
};

struct trial_reply { /* n_steps trial_step follow */
	struct fw3_hdr op;
	uint32_t size;	/* needed, header and steps included */
	uint32_t flags; /* TRIAL_FW_OFF and so on */
	uint32_t n_steps;
	uint32_t n_looked; /* rules, those that were looked at twice twice */
	uint32_t rule_id;  /* that decided */
	uint16_t rule;	   /* its number, 0 = none did */
	uint8_t end;	   /* enum trial_end */
	uint8_t answer;	   /* of a rejected one: 1 RST, 2 unreachable, 3 ABORT */
	uint8_t code;	   /* of ICMP */
	uint8_t pad;
	uint16_t mtu;
	uint32_t to; /* pipe, queue, divert port */
	uint32_t mark; /* at the end */
	uint8_t tos;   /* at the end */
	uint8_t pad2[11];
	char in_if[16], out_if[16];
	char why[80]; /* why it is dropped, a sentence; "" if it is not */
	struct trial_facts facts;
};

/* ---- tables ---- */

enum table_type {
	TABLE_ADDR = 1,
	TABLE_IFACE = 2,
	TABLE_NUMBER = 3,
	TABLE_FLOW = 4,
	TABLE_MAC = 5, /* 14 */
	TABLE_TYPE_MAX = TABLE_MAC,
};

enum flow_fields { /* table_info.tflags of a flow table */
	FLOW_SRC_IP = 0x1,
	FLOW_DST_IP = 0x2,
	FLOW_SRC_PORT = 0x4,
	FLOW_DST_PORT = 0x8,
	FLOW_PROTO = 0x10,
	FLOW_ALL = 0x1f,
};

enum table_vtype { /* bits of a table's value type */
	VTYPE_SKIPTO = 0x1,
	VTYPE_PIPE = 0x2,
	VTYPE_FIB = 0x4,
	VTYPE_NAT = 0x8,
	VTYPE_DSCP = 0x10,
	VTYPE_TAG = 0x20,
	VTYPE_DIVERT = 0x40,
	VTYPE_NETGRAPH = 0x80,
	VTYPE_LIMIT = 0x100,
	VTYPE_NH4 = 0x200,
	VTYPE_NH6 = 0x400,
	VTYPE_MARK = 0x800, /* 14 */
	VTYPE_ALL = 0xfff,
};
#define VTYPE_LEGACY UINT32_C(0xffffffff) /* one number, in every field */

struct table_value {
	uint32_t tag;
	uint32_t pipe;
	uint16_t divert;
	uint16_t skipto;
	uint32_t netgraph;
	uint32_t fib;
	uint32_t nat;
	uint32_t nh4; /* host order */
	uint8_t dscp;
	uint8_t spare0[3];
	uint8_t nh6[16];
	uint32_t limit;
	uint32_t spare;	 /* zoneid in 13; VLIST: the value's index */
	uint32_t mark;	 /* 14; VLIST: with 'unused' the references */
	uint32_t unused;
};

struct tflow_entry {
	uint8_t af; /* 2 or 28, FreeBSD's; Linux clients say 2 or 10 */
	uint8_t proto;
	uint16_t spare;
	uint16_t sport; /* network order, as the addresses */
	uint16_t dport;
	uint8_t addr[32]; /* IPv4: 4 and 4 octets; IPv6: 16 and 16 */
};

enum tentry_result {
	TR_IGNORED,
	TR_ADDED,
	TR_UPDATED,
	TR_DELETED,
	TR_LIMIT,
	TR_NOTFOUND,
	TR_EXISTS,
	TR_ERROR,
};

enum {
	TF_UPDATE = 0x1,	/* obj_tentry.head.flags: replace the value */
	CTF_ATOMIC = 0x1,	/* obj_ctlv.flags of the entries: all or none */
	TGF_LOCKED = 0x1,	/* table_info.flags */
	TGF_COUNTERS = 0x8000,	/* ours: a pair of counters an entry */
	TMF_LIMIT = 0x2,	/* table_info.mflags: what to change */
	TMF_LOCK = 0x4,
	AF_V6_LINUX = 10,	/* numbers of AF_INET6 that clients use */
	AF_V6_FREEBSD = 28,
	TACLASS_HASH = 1,
	TACLASS_ARRAY = 2,
	TACLASS_RADIX = 3,
	TATF_DATA = 0x1,	/* ta_info has numbers */
	TATF_AFDATA = 0x2,	/* one set for IPv4, one for IPv6 */
};

struct obj_tentry {
	struct obj_tlv head;
	uint8_t subtype; /* addr: the address family */
	uint8_t masklen;
	uint8_t result; /* TR_* */
	uint8_t spare0;
	uint16_t idx;
	uint16_t spare1;
	union {
		uint8_t addr[16];
		uint8_t mac[6];
		uint32_t number;
		char iface[16];
		struct tflow_entry flow;
	} k;
	struct table_value v;
};

struct table_hits { /* follows an obj_tentry of a table with counters */
	uint64_t pkts;
	uint64_t bytes;
};

struct ta_numbers {
	uint32_t flags; /* TATF_* */
	uint32_t spare;
	uint8_t class4;
	uint8_t spare4;
	uint16_t itemsize4;
	uint32_t size4;
	uint32_t count4;
	uint8_t class6;
	uint8_t spare6;
	uint16_t itemsize6;
	uint32_t size6;
	uint32_t count6;
};

struct table_info {
	uint8_t type;
	uint8_t tflags;
	uint16_t mflags; /* TMF_* */
	uint16_t flags;	 /* TGF_* */
	uint16_t spare[3];
	uint32_t vmask;
	uint32_t set;
	uint32_t kidx;
	uint32_t refcnt;
	uint32_t count;
	uint32_t size;
	uint32_t limit;
	char tablename[64];
	char algoname[64];
	struct ta_numbers ta_info;
};

struct algo_info {
	char algoname[64];
	uint32_t type;
	uint32_t flags;
	uint32_t refcnt;
	uint32_t spare0;
	uint64_t spare1;
};

/* ---- CTL_DUMMYNET3: objects one after another, each 8-aligned ---- */

enum { DN_API_VERSION = 12500000 };

enum dn_type {
	DN_LINK = 1,
	DN_FS,
	DN_SCH,
	DN_SCH_I,
	DN_QUEUE,
	DN_DELAY_LINE,
	DN_PROFILE,
	DN_FLOW,
	DN_TEXT,
	/* kipfw's own, never sent to who does not ask with DN_CMD_GET_MORE */
	DN_MORE_LINK = 0x70,
	DN_MORE_TRACE,
	DN_MORE_FS,
	DN_MORE_REPORT,
	DN_CMD_CONFIG = 0x80,
	DN_CMD_DELETE,
	DN_CMD_GET,
	DN_CMD_FLUSH,
	DN_SYSCTL_GET = 0x87,
	DN_SYSCTL_SET = 0x88,
	DN_AQM_PARAMS, /* subtypes of DN_TEXT that hold a dn_extra */
	DN_SCH_PARAMS,
	DN_CMD_GET_MORE = 0xc2, /* as DN_CMD_GET, and DN_MORE_* in the answer */
};

struct dn_id {
	uint16_t len; /* this header included */
	uint8_t type;
	uint8_t subtype;
	uint32_t id; /* DN_API_VERSION in the first, the command */
};

/* Flowsets (queues), schedulers and links have numbers below this one; a 'pipe
 * N' is link N, scheduler N + DN_FIRST_PIPE, flowset N + 2 * DN_FIRST_PIPE. */
enum { DN_FIRST_PIPE = 0x10000 };

enum dn_flags { /* of dn_fs and dn_sch */
	DN_HAVE_MASK = 0x0001,
	DN_NOERROR = 0x0002,
	DN_QHT_HASH = 0x0004, /* set by the daemon: queues by mask */
	DN_QSIZE_BYTES = 0x0008,
	DN_HAS_PROFILE = 0x0010,
	DN_IS_RED = 0x0020,
	DN_IS_GRED = 0x0040,
	DN_IS_ECN = 0x0080,
	DN_IS_AQM = 0x0100, /* CoDel or PIE: a dn_extra tells which */
	DN_PIPE_CMD = 0x1000, /* of a 'pipe N config' */
};

struct abi_dn_link {
	struct dn_id oid;
	uint32_t link_nr;
	int32_t bandwidth; /* bit/s, 0 = unlimited, -1 = not given */
	int32_t delay;	   /* ms */
	uint32_t pad;
	uint64_t burst; /* octets */
};

enum { DN_RED_SCALE = 1 << 16, DN_PLR_ONE = 0x7fffffff };

struct abi_dn_fs {
	struct dn_id oid; /* in answers, oid.id = queues */
	uint32_t fs_nr;
	uint32_t flags;
	int32_t qsize; /* slots or octets, 0 = default */
	int32_t plr;   /* of DN_PLR_ONE */
	uint32_t buckets;
	struct abi_flow_id mask;
	uint32_t sched_nr;
	int32_t par[4]; /* weight, lmax, pri; -1 = as before */
	int32_t w_q;	/* x DN_RED_SCALE */
	int32_t max_th;
	int32_t min_th;
	int32_t max_p; /* x DN_RED_SCALE */
};

struct abi_dn_flow {
	struct dn_id oid; /* oid.id = bucket */
	struct abi_flow_id fid;
	uint64_t tot_pkts;
	uint64_t tot_bytes;
	uint32_t length; /* packets that wait */
	uint32_t len_bytes;
	uint32_t drops;
	uint32_t pad;
};

struct abi_dn_sch {
	struct dn_id oid; /* in answers, oid.id = instances */
	uint32_t sched_nr;
	uint32_t buckets;
	uint32_t flags;
	char name[16]; /* "" = as before */
	struct abi_flow_id mask;
};

enum { DN_SAMPLES_MAX = 1024, DN_NAME_MAX = 32 };

enum { DN_PROFILE_MS, DN_PROFILE_US }; /* its subtype: unit; us is kipfw's own */

struct abi_dn_profile { /* samples[samples_no] may be all that is sent */
	struct dn_id oid;
	char name[DN_NAME_MAX];
	uint32_t link_nr;
	int32_t loss_level; /* index of the first sample that is lost */
	int32_t bandwidth;
	int32_t samples_no;
	int32_t samples[DN_SAMPLES_MAX];
};

enum { DN_EXTRA_PARS = 10 };

/* Parameters of CoDel, PIE, FQ_CODEL, FQ_PIE.  Times in us, factors x 8192.
 *	codel     target interval flags
 *	pie       target tupdate max_burst max_ecnth alpha beta flags
 *	fq_codel  as codel, quantum limit flows
 *	fq_pie    as pie, quantum limit flows */
struct abi_dn_extra {
	struct dn_id oid;
	char name[16]; /* "codel", "pie", "fq_codel", "fq_pie", any case */
	uint32_t nr;   /* of the flowset or scheduler */
	uint32_t pad;
	int64_t par[DN_EXTRA_PARS]; /* -1 = default */
};

enum { DN_EXTRA_SCALE = 8192 };

enum dn_extra_flags {
	DN_EXTRA_ECN = 1,
	DN_EXTRA_CAPDROP = 2,
	DN_EXTRA_ONOFF = 4,
	DN_EXTRA_DEPRATE = 8,
	DN_EXTRA_DERAND = 16,
};

/* What dn_link cannot say.  Follows it and replaces its numbers. */
struct abi_dn_more_link {
	struct dn_id oid;
	uint32_t link_nr;
	uint32_t flags;	 /* 1 = jitter may reorder */
	uint64_t rate;	 /* bit/s, 0 = unlimited */
	uint64_t delay;	 /* ns */
	uint64_t burst;	 /* octets */
	uint64_t jitter; /* ns */
	uint32_t jitter_kind; /* 0 none, 1 uniform, 2 normal, 3 pareto */
	uint32_t reorder;     /* of DN_PLR_ONE, as the next two */
	uint32_t duplicate;
	uint32_t corrupt;
	uint64_t memory; /* octets, 0 = no limit of its own */
	char trace[DN_NAME_MAX];
	uint32_t n_trace; /* moments, which follow in DN_MORE_TRACE */
	uint32_t pad;
};

struct abi_dn_more_trace {
	struct dn_id oid;
	uint32_t link_nr;
	uint32_t first; /* index of moment[0] */
	struct {
		uint32_t ms;
		uint32_t n; /* deliveries at that time */
	} moment[];
};

/* Follows a dn_fs and replaces its numbers. */
struct abi_dn_more_fs {
	struct dn_id oid;
	uint32_t fs_nr;
	uint32_t flags; /* 1 = Gilbert-Elliott */
	uint64_t qsize;
	uint32_t loss[4]; /* K p H r (then p is loss[1]), or p in loss[1] */
};

/* What a pipe or scheduler did; see 'pipe show -v'.  Times in ns. */
struct abi_dn_more_report {
	struct dn_id oid;
	uint32_t nr;
	uint32_t flags; /* 1 queue, 2 memory too small for rate x delay */
	uint64_t in_pkts, in_bytes;
	uint64_t out_pkts, out_bytes;
	uint64_t second_bps, second_pps;
	uint64_t since;
	uint64_t queued_pkts, queued_bytes, peak_pkts;
	uint64_t line_pkts;
	uint64_t memory, memory_limit;
	uint64_t bdp_bytes, bdp_memory;
	uint64_t error_n, error_p50, error_p99, error_p999, error_max;
	uint64_t marked, duplicated, corrupted, reordered;
	uint32_t n_drops; /* entries of drops[] */
	uint32_t pad;
	uint64_t drops[]; /* by reason, in the order of the manual page */
};

struct dn_sysctl { /* after the dn_id; then datalen octets, then name\0 */
	uint32_t blocklen; /* all of it: header, data and name */
	uint32_t namelen;  /* the \0 included */
	uint32_t flags;	   /* 1 read only */
	uint32_t datalen;
};

_Static_assert(sizeof(struct wire_hdr) == 16, "wire ABI");
_Static_assert(sizeof(struct obj_ntlv) == 80, "obj_ntlv ABI");
_Static_assert(sizeof(struct obj_ctlv) == 16, "obj_ctlv ABI");
_Static_assert(sizeof(struct range_tlv) == 24, "range_tlv ABI");
_Static_assert(sizeof(struct range_hdr) == 32, "range_hdr ABI");
_Static_assert(sizeof(struct obj_hdr) == 96, "obj_hdr ABI");
_Static_assert(sizeof(struct obj_lhdr) == 24, "obj_lhdr ABI");
_Static_assert(sizeof(struct cfg_lhdr) == 32, "cfg_lhdr ABI");
_Static_assert(sizeof(struct abi_rule) == 16, "rule ABI");
_Static_assert(sizeof(struct abi_counter) == 24, "counter ABI");
_Static_assert(sizeof(struct abi_flow_id) == 56, "flow id ABI");
_Static_assert(sizeof(struct abi_dn_link) == 32, "dn_link ABI");
_Static_assert(sizeof(struct abi_dn_fs) == 120, "dn_fs ABI");
_Static_assert(sizeof(struct abi_dn_flow) == 96, "dn_flow ABI");
_Static_assert(sizeof(struct abi_dn_sch) == 92, "dn_sch ABI");
_Static_assert(sizeof(struct abi_dn_profile) == 4152, "dn_profile ABI");
_Static_assert(sizeof(struct abi_dn_extra) == 112, "dn_extra ABI");
_Static_assert(sizeof(struct abi_state) == 120, "state ABI");
_Static_assert(sizeof(struct sopt_info) == 16, "sopt_info ABI");
_Static_assert(sizeof(struct iface_info) == 88, "iface_info ABI");
_Static_assert(sizeof(struct plan_info) == 80, "plan_info ABI");
_Static_assert(sizeof(struct trial_req) == 64, "trial_req ABI");
_Static_assert(sizeof(struct trial_step) == 16, "trial_step ABI");
_Static_assert(sizeof(struct trial_facts) == 88, "trial_facts ABI");
_Static_assert(sizeof(struct trial_reply) == 256, "trial_reply ABI");
_Static_assert(sizeof(struct table_value) == 64, "table_value ABI");
_Static_assert(sizeof(struct tflow_entry) == 40, "tflow_entry ABI");
_Static_assert(sizeof(struct obj_tentry) == 120, "obj_tentry ABI");
_Static_assert(sizeof(struct table_info) == 200, "table_info ABI");
_Static_assert(sizeof(struct algo_info) == 88, "algo_info ABI");
