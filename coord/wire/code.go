package wire

import "strconv"

// Code is the error code of a reply. It is a value of normal work, not a Go
// error: servers return it from validation; clients turn it into an error.
type Code int32

// Error codes (ZooKeeper: KeeperException.Code). Those only clients produce are
// left out.
const (
	OK                      Code = 0
	SystemError             Code = -1
	RuntimeInconsistency    Code = -2
	DataInconsistency       Code = -3
	ConnectionLoss          Code = -4
	MarshallingError        Code = -5
	Unimplemented           Code = -6
	OperationTimeout        Code = -7
	BadArguments            Code = -8
	UnknownSession          Code = -12
	NewConfigNoQuorum       Code = -13
	ReconfigInProgress      Code = -14
	APIError                Code = -100
	NoNode                  Code = -101
	NoAuth                  Code = -102
	BadVersion              Code = -103
	NoChildrenForEphemerals Code = -108
	NodeExists              Code = -110
	NotEmpty                Code = -111
	SessionExpired          Code = -112
	InvalidCallback         Code = -113
	InvalidACL              Code = -114
	AuthFailed              Code = -115
	SessionMoved            Code = -118
	NotReadOnly             Code = -119
	EphemeralOnLocalSession Code = -120
	NoWatcher               Code = -121
	RequestTimeout          Code = -122
	ReconfigDisabled        Code = -123
	SessionClosedNeedsAuth  Code = -124
	QuotaExceeded           Code = -125
	ThrottledOp             Code = -127
)

var codeNames = map[Code]string{
	OK: "ok", SystemError: "system error", RuntimeInconsistency: "runtime inconsistency",
	DataInconsistency: "data inconsistency", ConnectionLoss: "connection loss",
	MarshallingError: "marshalling error", Unimplemented: "unimplemented",
	OperationTimeout: "operation timeout", BadArguments: "bad arguments",
	UnknownSession: "unknown session", NewConfigNoQuorum: "no quorum of new config is connected",
	ReconfigInProgress: "reconfiguration in progress", APIError: "api error",
	NoNode: "node does not exist", NoAuth: "not authorized", BadVersion: "version conflict",
	NoChildrenForEphemerals: "ephemeral nodes may not have children", NodeExists: "node already exists",
	NotEmpty: "node has children", SessionExpired: "session expired",
	InvalidCallback: "invalid callback", InvalidACL: "invalid acl", AuthFailed: "authentication failed",
	SessionMoved: "session moved to another server", NotReadOnly: "not a read-only call",
	EphemeralOnLocalSession: "ephemeral node on local session", NoWatcher: "no such watcher",
	RequestTimeout: "request timeout", ReconfigDisabled: "reconfiguration is disabled",
	SessionClosedNeedsAuth: "session closed because authentication is required",
	QuotaExceeded:          "quota exceeded", ThrottledOp: "operation throttled",
}

// String names the code in words.
func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return "code " + strconv.Itoa(int(c))
}

// Error lets a client return a Code as a Go error and match it with errors.Is.
func (c Code) Error() string { return "zookeeper: " + c.String() }
