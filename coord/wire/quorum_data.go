package wire

// The contents of a packet's data, by type of packet. They have no length of
// their own: the data ends where the packet says.

// AnonymousLearner is the id that DecodeLearnerInfo gives a learner that did not
// say who it is.
const AnonymousLearner PeerID = -1

// oldLearnerProtocol is the version of a learner that does not give one.
const oldLearnerProtocol int32 = 1

// AppendLearnerInfo appends the data of FOLLOWERINFO and OBSERVERINFO, as
// ZooKeeper 3.5 and later send it.
func AppendLearnerInfo(dst []byte, l *LearnerInfo) []byte {
	dst = AppendLong(dst, int64(l.Server))
	dst = AppendInt(dst, l.ProtocolVersion)
	return AppendLong(dst, l.ConfigVersion)
}

// DecodeLearnerInfo reads the data of FOLLOWERINFO and OBSERVERINFO. Older
// versions sent less of it: null, the id alone, or the id and the protocol
// version (ZooKeeper: LearnerHandler.java).
func DecodeLearnerInfo(data []byte) (LearnerInfo, error) {
	l := LearnerInfo{Server: AnonymousLearner, ProtocolVersion: oldLearnerProtocol}
	if data == nil {
		return l, nil
	}
	d := NewDecoder(data)
	l.Server = PeerID(d.Long())
	if len(data) >= 12 {
		l.ProtocolVersion = d.Int()
	}
	if len(data) >= 20 {
		l.ConfigVersion = d.Long()
	}
	return l, d.Err()
}

// AppendLeaderInfo appends the data of LEADERINFO: the leader's protocol
// version. The new epoch is in the packet's zxid.
func AppendLeaderInfo(dst []byte, protocolVersion int32) []byte {
	return AppendInt(dst, protocolVersion)
}

// DecodeLeaderInfo reads the data of LEADERINFO.
func DecodeLeaderInfo(data []byte) (protocolVersion int32, err error) {
	d := NewDecoder(data)
	protocolVersion = d.Int()
	return protocolVersion, d.Err()
}

// EpochAccepted is the epoch in the ACKEPOCH of a learner that had accepted the
// leader's epoch before: it must not be counted twice.
const EpochAccepted int32 = -1

// AppendAckEpoch appends the data of ACKEPOCH: the learner's currentEpoch cut to
// 32 bits, or EpochAccepted. Its last zxid is in the packet's.
func AppendAckEpoch(dst []byte, currentEpoch int32) []byte { return AppendInt(dst, currentEpoch) }

// DecodeAckEpoch reads the data of ACKEPOCH.
func DecodeAckEpoch(data []byte) (currentEpoch int32, err error) {
	d := NewDecoder(data)
	currentEpoch = d.Int()
	return currentEpoch, d.Err()
}

// AppendForwardedRequest appends the data of REQUEST.
func AppendForwardedRequest(dst []byte, r *ForwardedRequest) []byte {
	dst = AppendLong(dst, int64(r.Session))
	dst = AppendInt(dst, r.Cxid)
	dst = AppendInt(dst, int32(r.Op))
	return append(dst, r.Body...)
}

// DecodeForwardedRequest reads the data of REQUEST. The body aliases it.
func DecodeForwardedRequest(data []byte) (ForwardedRequest, error) {
	d := NewDecoder(data)
	r := ForwardedRequest{Session: SessionID(d.Long()), Cxid: d.Int(), Op: Op(d.Int())}
	r.Body = d.Rest()
	return r, d.Err()
}

// Touch is a session that a learner has heard from since the last PING.
type Touch struct {
	Session SessionID
	Timeout int32 // ms
}

// touchSize is the encoded length of a Touch in bytes.
const touchSize = 12

// AppendTouches appends the data of a learner's answer to PING. The result is
// never nil: the data of an empty table is empty, not null.
func AppendTouches(dst []byte, touches []Touch) []byte {
	if dst == nil {
		dst = make([]byte, 0, touchSize*len(touches))
	}
	for _, t := range touches {
		dst = AppendInt(AppendLong(dst, int64(t.Session)), t.Timeout)
	}
	return dst
}

// DecodeTouches reads the data of a learner's answer to PING into dst[:0].
func DecodeTouches(dst []Touch, data []byte) ([]Touch, error) {
	if len(data)%touchSize != 0 {
		return dst[:0], ErrMalformed
	}
	dst = dst[:0]
	if n := len(data) / touchSize; n > cap(dst) {
		dst = make([]Touch, 0, n)
	}
	d := NewDecoder(data)
	for len(d.Rest()) > 0 {
		dst = append(dst, Touch{Session: SessionID(d.Long()), Timeout: d.Int()})
	}
	return dst, nil
}

// Revalidation is the data of a learner's REVALIDATE: a client has come back to
// it with a session.
type Revalidation struct {
	Session SessionID
	Timeout int32 // ms
}

// AppendRevalidation appends the data of a learner's REVALIDATE.
func AppendRevalidation(dst []byte, r Revalidation) []byte {
	return AppendInt(AppendLong(dst, int64(r.Session)), r.Timeout)
}

// DecodeRevalidation reads the data of a learner's REVALIDATE.
func DecodeRevalidation(data []byte) (Revalidation, error) {
	d := NewDecoder(data)
	r := Revalidation{Session: SessionID(d.Long()), Timeout: d.Int()}
	return r, d.Err()
}

// RevalidationReply is the data of the leader's answer to REVALIDATE.
type RevalidationReply struct {
	Session SessionID
	Valid   bool
}

// AppendRevalidationReply appends the data of the leader's REVALIDATE.
func AppendRevalidationReply(dst []byte, r RevalidationReply) []byte {
	return AppendBool(AppendLong(dst, int64(r.Session)), r.Valid)
}

// DecodeRevalidationReply reads the data of the leader's REVALIDATE.
func DecodeRevalidationReply(data []byte) (RevalidationReply, error) {
	d := NewDecoder(data)
	r := RevalidationReply{Session: SessionID(d.Long()), Valid: d.Bool()}
	return r, d.Err()
}
