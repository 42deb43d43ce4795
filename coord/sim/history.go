package sim

// Operation is one access to a register, as a client saw it. The times are those
// of the request and the reply.
type Operation struct {
	Client   int
	Register int
	Write    bool
	Value    string // written or read
	// Condition is the version that a write asks for; -1: any.
	Condition int32
	Call      Time
	Return    Time

	Answered bool  // false: nobody knows whether a write was carried out
	Done     bool  // an answered write took effect; false: another version was there
	Version  int32 // after the write, or read
}

// record notes the beginning of an operation.
func (w *World) record(c *client, o Operation) *Operation {
	o.Client, o.Call = c.number, w.now
	w.operations = append(w.operations, &o)
	return &o
}

// finish notes the reply.
func (w *World) finish(o *Operation, done bool, version int32, value string) {
	o.Return, o.Answered, o.Done, o.Version = w.now, true, done, version
	if !o.Write {
		o.Value = value
	}
}

// Operations is what the clients did with registers, in the order of the calls.
func (w *World) Operations() []*Operation { return w.operations }
