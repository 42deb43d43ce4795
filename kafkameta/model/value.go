package model

import "slices"

// Value is the typed payload of one znode.
type Value interface {
	// Kind says which znodes hold such a value.
	Kind() Kind
	// Encode gives the payload: the very bytes that were parsed if no field was
	// changed since, else as the package comment says. Nil is ZooKeeper's null.
	// It refuses what the Parse function of the type would not read back.
	Encode() ([]byte, error)
}

// Opaque is the payload of a node whose data Kafka does not read: directories,
// deletion markers, the broker id sequence, and unknown paths.
type Opaque struct {
	Node Kind
	Data []byte // nil for null, which is what Kafka writes
}

// Kind gives the kind of the node.
func (o *Opaque) Kind() Kind { return o.Node }

// Encode gives Data.
func (o *Opaque) Encode() ([]byte, error) { return o.Data, nil }

// Parse reads the payload of a node of a kind. The path is for messages alone,
// so that it may be with or without chroot. Nil data is ZooKeeper's null. On an
// error that is Readable the value is returned with it.
func Parse(path string, kind Kind, data []byte) (Value, error) {
	switch kind {
	case KindBroker:
		return asValue(ParseBroker(path, data))
	case KindTopic:
		return asValue(ParseTopic(path, data))
	case KindPartitionState:
		return asValue(ParsePartitionState(path, data))
	case KindController:
		return asValue(ParseController(path, data))
	case KindControllerEpoch:
		return asValue(ParseControllerEpoch(path, data))
	case KindConfig:
		return asValue(ParseConfig(path, data))
	case KindConfigChange:
		return asValue(ParseConfigChange(path, data))
	case KindReassignment:
		return asValue(ParseReassignment(path, data))
	case KindPreferredElection:
		return asValue(ParsePreferredElection(path, data))
	case KindISRChange:
		return asValue(ParseISRChange(path, data))
	case KindLogDirEvent:
		return asValue(ParseLogDirEvent(path, data))
	case KindProducerIDBlock:
		return asValue(ParseProducerIDBlock(path, data))
	case KindClusterID:
		return asValue(ParseClusterID(path, data))
	case KindFeatures:
		return asValue(ParseFeatures(path, data))
	case KindMigration:
		return asValue(ParseMigration(path, data))
	case KindResourceACL:
		return asValue(ParseResourceACL(path, data))
	case KindLiteralACLChange:
		return asValue(ParseLiteralACLChange(path, data))
	case KindExtendedACLChange:
		return asValue(ParseExtendedACLChange(path, data))
	case KindDelegationToken:
		return asValue(ParseDelegationToken(path, data))
	case KindTokenChange:
		return asValue(ParseTokenChange(path, data))
	case KindConsumerRegistration:
		return asValue(ParseConsumerRegistration(path, data))
	case KindConsumerOwner:
		return asValue(ParseConsumerOwner(path, data))
	case KindConsumerOffset:
		return asValue(ParseConsumerOffset(path, data))
	default:
		return &Opaque{Node: kind, Data: data}, nil
	}
}

// asValue turns a typed result into a Value that is nil when there is none.
func asValue[T any, P interface {
	*T
	Value
}](v P, err error) (Value, error) {
	if v == nil {
		return nil, err
	}
	return v, err
}

// document is a value that is stored as JSON.
type document interface {
	Value
	document() jsonValue // of the typed fields, in Kafka's form
}

// encodeDocument is Encode for JSON values. source is what the value was parsed
// from, nil for a fresh one.
func encodeDocument[D document](source []byte, current D, parse func(path string, data []byte) (D, error)) ([]byte, error) {
	document := current.document()
	if source == nil {
		return readBack(appendJSON(nil, document), false, parse)
	}
	old, err := parse("", source)
	if err != nil && !readable(err) {
		return nil, err // somebody wrote into the bytes that the value owns
	}
	was := old.document()
	if sameJSON(was, document) {
		return slices.Clone(source), nil
	}
	original, err := parseJSON(source)
	if err != nil {
		return nil, err
	}
	return readBack(appendJSON(nil, mergeJSON(original, was, document)), true, parse)
}

// readBack refuses an encoding that its own Parse function refuses, so that no
// value with impossible fields is ever written.
func readBack[D any](encoded []byte, wasParsed bool, parse func(path string, data []byte) (D, error)) ([]byte, error) {
	if _, err := parse("", encoded); err != nil && !(wasParsed && readable(err)) {
		return nil, err
	}
	return encoded, nil
}

// text is a value that is stored as plain text.
type text interface {
	Value
	text() string // of the typed fields
}

// encodeText is Encode for plain text.
func encodeText[T text](source []byte, current T, parse func(path string, data []byte) (T, error)) ([]byte, error) {
	if source != nil {
		if old, err := parse("", source); err == nil && old.text() == current.text() {
			return slices.Clone(source), nil
		}
	}
	return readBack([]byte(current.text()), false, parse)
}
