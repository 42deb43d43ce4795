package wire

// ConnectRequest is the first frame of a client connection.
type ConnectRequest struct {
	ProtocolVersion int32
	LastZxidSeen    Zxid
	Timeout         int32 // requested session timeout in ms
	SessionID       SessionID
	Password        []byte
	ReadOnly        bool // the client accepts a read-only server
	HasReadOnly     bool // the flag was on the wire; old clients leave it out
}

// DecodeConnectRequest reads a connect request; bytes after it are ignored.
func DecodeConnectRequest(body []byte) (ConnectRequest, error) {
	d := NewDecoder(body)
	r := ConnectRequest{
		ProtocolVersion: d.Int(),
		LastZxidSeen:    Zxid(d.Long()),
		Timeout:         d.Int(),
		SessionID:       SessionID(d.Long()),
		Password:        d.Buffer(),
	}
	if err := d.Err(); err != nil {
		return ConnectRequest{}, err
	}
	if len(d.Rest()) > 0 {
		r.HasReadOnly = true
		r.ReadOnly = d.Bool()
	}
	return r, nil
}

// AppendConnectRequest appends the record without its frame length.
func AppendConnectRequest(dst []byte, r *ConnectRequest) []byte {
	dst = AppendInt(dst, r.ProtocolVersion)
	dst = AppendLong(dst, int64(r.LastZxidSeen))
	dst = AppendInt(dst, r.Timeout)
	dst = AppendLong(dst, int64(r.SessionID))
	dst = AppendBuffer(dst, r.Password)
	if r.HasReadOnly {
		dst = AppendBool(dst, r.ReadOnly)
	}
	return dst
}

// ConnectResponse answers a connect request. A refusal has timeout 0, id 0 and
// a password of 16 zero bytes.
type ConnectResponse struct {
	ProtocolVersion int32
	Timeout         int32 // negotiated, ms
	SessionID       SessionID
	Password        []byte
	ReadOnly        bool
	HasReadOnly     bool // the request carried the flag, so the answer does
}

// AppendConnectResponse appends the record without its frame length.
func AppendConnectResponse(dst []byte, r *ConnectResponse) []byte {
	dst = AppendInt(dst, r.ProtocolVersion)
	dst = AppendInt(dst, r.Timeout)
	dst = AppendLong(dst, int64(r.SessionID))
	dst = AppendBuffer(dst, r.Password)
	if r.HasReadOnly {
		dst = AppendBool(dst, r.ReadOnly)
	}
	return dst
}

// DecodeConnectResponse reads a connect response, with or without the
// read-only flag.
func DecodeConnectResponse(body []byte) (ConnectResponse, error) {
	d := Decoder{buf: body, Clone: true}
	r := ConnectResponse{
		ProtocolVersion: d.Int(),
		Timeout:         d.Int(),
		SessionID:       SessionID(d.Long()),
		Password:        d.Buffer(),
	}
	if err := d.Err(); err != nil {
		return ConnectResponse{}, err
	}
	if len(d.Rest()) > 0 {
		r.HasReadOnly = true
		r.ReadOnly = d.Bool()
	}
	return r, nil
}
