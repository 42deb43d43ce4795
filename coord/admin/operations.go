package admin

// OperationName is the short name of an operation code in the field lop of
// cons, "NA" for none. ZooKeeper: Request.op2String as used by ServerCnxn.
func OperationName(code int32) string {
	if name, ok := operationNames[code]; ok {
		return name
	}
	return "NA"
}

var operationNames = map[int32]string{
	1: "CREA", 2: "DELE", 3: "EXIS", 4: "GETD", 5: "SETD", 6: "GETA", 7: "SETA", 8: "GETC", 9: "SYNC",
	11: "PING", 12: "GETC", 13: "CHEC", 14: "MULT", 15: "CREA", 16: "RECO", 17: "CHKW", 18: "REMW",
	19: "CREA", 20: "DELE", 21: "CREA", 22: "MLTR", 101: "SETW", 103: "GETE", 104: "GETACN", 105: "STW2",
	106: "ADDW", 107: "HOMI", -10: "SESS", -11: "CLOS",
}
