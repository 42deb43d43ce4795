package secure

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Ids of the tokens that establish a context (RFC 4121, 4.1).
var (
	gssRequest = [2]byte{0x01, 0x00}
	gssReply   = [2]byte{0x02, 0x00}
)

var oidKerberos = asn1.ObjectIdentifier{1, 2, 840, 113554, 1, 2, 2}

var errBrokenToken = errors.New("the token is broken")

// wrapGSS puts a Kerberos message into the frame of a context token (RFC 2743,
// 3.1): [APPLICATION 0] { mechanism, token id, message }.
func wrapGSS(id [2]byte, message []byte) ([]byte, error) {
	mechanism, err := asn1.Marshal(oidKerberos)
	if err != nil {
		return nil, err
	}
	inner := append(append(mechanism, id[:]...), message...)
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassApplication, IsCompound: true, Bytes: inner})
}

// unwrapGSS takes a Kerberos message out of a context token.
func unwrapGSS(id [2]byte, token []byte) ([]byte, error) {
	var frame asn1.RawValue
	rest, err := asn1.Unmarshal(token, &frame)
	if err != nil || len(rest) > 0 || frame.Class != asn1.ClassApplication || frame.Tag != 0 {
		return nil, errBrokenToken
	}
	var mechanism asn1.ObjectIdentifier
	message, err := asn1.Unmarshal(frame.Bytes, &mechanism)
	if err != nil || len(message) < len(id) {
		return nil, errBrokenToken
	}
	if !mechanism.Equal(oidKerberos) {
		return nil, fmt.Errorf("the token is for mechanism %s, not for Kerberos", mechanism)
	}
	if [2]byte(message) != id {
		return nil, errBrokenToken
	}
	return message[len(id):], nil
}

const (
	wrapFromAcceptor = 1 << 0
	wrapSealed       = 1 << 1
	wrapHeaderBytes  = 16
)

// strongEtypes are the encryption types that are spoken: those of RFC 3962 and
// RFC 8009. The older ones have another form of tokens, and are broken.
var strongEtypes = map[int32]bool{
	etypeID.AES128_CTS_HMAC_SHA1_96: true, etypeID.AES256_CTS_HMAC_SHA1_96: true,
	etypeID.AES128_CTS_HMAC_SHA256_128: true, etypeID.AES256_CTS_HMAC_SHA384_192: true,
}

// sealMessage makes a wrap token without encryption (RFC 4121, 4.2.6.2).
func sealMessage(payload []byte, key types.EncryptionKey, sequence uint64, fromAcceptor bool) ([]byte, error) {
	etype, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		return nil, err
	}
	token := gssapi.WrapToken{EC: uint16(etype.GetHMACBitLength() / 8), SndSeqNum: sequence, Payload: payload}
	usage := uint32(keyusage.GSSAPI_INITIATOR_SEAL)
	if fromAcceptor {
		token.Flags, usage = wrapFromAcceptor, keyusage.GSSAPI_ACCEPTOR_SEAL
	}
	if err := token.SetCheckSum(key, usage); err != nil {
		return nil, err
	}
	return token.Marshal()
}

// openMessage checks a wrap token without encryption and returns its payload.
func openMessage(sealed []byte, key types.EncryptionKey, fromAcceptor bool) ([]byte, error) {
	if len(sealed) < wrapHeaderBytes {
		return nil, errBrokenToken
	}
	if sealed[2]&wrapSealed != 0 {
		return nil, errors.New("the token is encrypted; only auth without protection is spoken")
	}
	var token gssapi.WrapToken
	if err := token.Unmarshal(unrotated(sealed), fromAcceptor); err != nil {
		return nil, errBrokenToken
	}
	usage := uint32(keyusage.GSSAPI_INITIATOR_SEAL)
	if fromAcceptor {
		usage = keyusage.GSSAPI_ACCEPTOR_SEAL
	}
	if ok, err := token.Verify(key, usage); err != nil || !ok {
		return nil, errors.New("the checksum of the token is wrong")
	}
	return token.Payload, nil
}

// unrotated undoes the right rotation of what is behind a token's header (RFC
// 4121, 4.2.5).
func unrotated(sealed []byte) []byte {
	body := sealed[wrapHeaderBytes:]
	if len(body) == 0 {
		return sealed
	}
	count := int(binary.BigEndian.Uint16(sealed[6:8])) % len(body)
	out := append([]byte(nil), sealed[:wrapHeaderBytes]...)
	out = append(out, body[count:]...)
	return append(out, body[:count]...)
}
