package wire

import "strconv"

// Op is an operation code of a request or the type of a transaction.
type Op int32

// Operation codes (ZooKeeper: ZooDefs.OpCode).
const (
	OpNotification         Op = 0
	OpCreate               Op = 1
	OpDelete               Op = 2
	OpExists               Op = 3
	OpGetData              Op = 4
	OpSetData              Op = 5
	OpGetACL               Op = 6
	OpSetACL               Op = 7
	OpGetChildren          Op = 8
	OpSync                 Op = 9
	OpPing                 Op = 11
	OpGetChildren2         Op = 12
	OpCheck                Op = 13
	OpMulti                Op = 14
	OpCreate2              Op = 15
	OpReconfig             Op = 16
	OpCheckWatches         Op = 17
	OpRemoveWatches        Op = 18
	OpCreateContainer      Op = 19
	OpDeleteContainer      Op = 20
	OpCreateTTL            Op = 21
	OpMultiRead            Op = 22
	OpAuth                 Op = 100
	OpSetWatches           Op = 101
	OpSASL                 Op = 102
	OpGetEphemerals        Op = 103
	OpGetAllChildrenNumber Op = 104
	OpSetWatches2          Op = 105
	OpAddWatch             Op = 106
	OpWhoAmI               Op = 107
	OpCreateSession        Op = -10
	OpCloseSession         Op = -11
	OpError                Op = -1
)

type opInfo struct {
	name  string // ours and mntr's: snake case
	short string // the lop field of cons (ZooKeeper: Request.op2String, four letters)
	write bool
}

var ops = map[Op]opInfo{
	OpNotification:         {"notification", "NOTI", false},
	OpCreate:               {"create", "CREA", true},
	OpDelete:               {"delete", "DELE", true},
	OpExists:               {"exists", "EXIS", false},
	OpGetData:              {"get_data", "GETD", false},
	OpSetData:              {"set_data", "SETD", true},
	OpGetACL:               {"get_acl", "GETA", false},
	OpSetACL:               {"set_acl", "SETA", true},
	OpGetChildren:          {"get_children", "GETC", false},
	OpSync:                 {"sync", "SYNC", false},
	OpPing:                 {"ping", "PING", false},
	OpGetChildren2:         {"get_children", "GETC", false},
	OpCheck:                {"check", "CHEC", true},
	OpMulti:                {"multi", "MULT", true},
	OpCreate2:              {"create", "CREA", true},
	OpReconfig:             {"reconfig", "RECO", true},
	OpCheckWatches:         {"check_watches", "CHKW", false},
	OpRemoveWatches:        {"remove_watches", "REMW", false},
	OpCreateContainer:      {"create", "CREA", true},
	OpDeleteContainer:      {"delete", "DELE", true},
	OpCreateTTL:            {"create", "CREA", true},
	OpMultiRead:            {"multi_read", "MLTR", false},
	OpAuth:                 {"auth", "AUTH", false},
	OpSetWatches:           {"set_watches", "SETW", false},
	OpSASL:                 {"sasl", "SASL", false},
	OpGetEphemerals:        {"get_ephemerals", "GETE", false},
	OpGetAllChildrenNumber: {"get_all_children_number", "GETACN", false},
	OpSetWatches2:          {"set_watches", "STW2", false},
	OpAddWatch:             {"add_watch", "ADDW", false},
	OpWhoAmI:               {"who_am_i", "HOMI", false},
	OpCreateSession:        {"create_session", "SESS", true},
	OpCloseSession:         {"close_session", "CLOS", true},
	OpError:                {"error", "ERRO", false},
}

// String names the operation in lower snake case.
func (o Op) String() string {
	if i, ok := ops[o]; ok {
		return i.name
	}
	return "op " + strconv.Itoa(int(o))
}

// Short is the abbreviation the four-letter word cons prints as lop; NA when
// the operation is unknown.
func (o Op) Short() string {
	if i, ok := ops[o]; ok {
		return i.short
	}
	return "NA"
}

// IsWrite tells whether the operation is ordered as a transaction.
func (o Op) IsWrite() bool {
	switch o {
	case OpCreate, OpDelete, OpSetData, OpSetACL, OpCheck, OpMulti, OpCreate2, OpReconfig,
		OpCreateContainer, OpDeleteContainer, OpCreateTTL, OpCreateSession, OpCloseSession:
		return true
	}
	return false
}

// ClientMaySend tells whether a client may send the operation. The internal
// operations createSession (-10) and deleteContainer (20), which ZooKeeper lets
// any client reach, and a check outside a multi are refused.
func (o Op) ClientMaySend() bool {
	if o == OpCloseSession {
		return true
	}
	return o >= 0 && int(o) < len(clientOps) && clientOps[o]
}

// clientOps are the operations that clients may send, but for closeSession,
// which has a negative code.
var clientOps = func() (table [OpWhoAmI + 1]bool) {
	for o := range ops {
		table[max(o, 0)] = true
	}
	for _, o := range []Op{OpNotification, OpCheck, OpDeleteContainer} {
		table[o] = false
	}
	return table
}()
