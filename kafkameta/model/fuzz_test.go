package model

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// fuzzParser feeds one Parse function with the golden payloads of its kind and
// what becomes of them: it must not panic, must give back what it took, and
// must read what it writes.
func fuzzParser[T any, P interface {
	*T
	Value
}](f *testing.F, kind Kind, parse func(path string, data []byte) (P, error)) {
	for _, g := range readGolden(f) {
		if n, err := Classify(g.path); err == nil && n.Kind == kind {
			f.Add(g.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parse("/path", data)
		if v == nil {
			if err == nil {
				t.Fatal("neither value nor error")
			}
			return
		}
		encoded, encodeErr := v.Encode()
		if encodeErr != nil || !bytes.Equal(encoded, data) {
			t.Fatalf("%q comes back as %q, %v", data, encoded, encodeErr)
		}
		if err != nil || len(data) == 0 {
			return // an unknown version has no form of its own
		}
		fresh := encodeFresh(t, v)
		again, err := parse("/path", fresh)
		if err != nil || exported(t, again) != exported(t, v) {
			t.Fatalf("%q is written as %q, which reads as %+v, %v", data, fresh, again, err)
		}
	})
}

func FuzzBroker(f *testing.F)          { fuzzParser(f, KindBroker, ParseBroker) }
func FuzzTopic(f *testing.F)           { fuzzParser(f, KindTopic, ParseTopic) }
func FuzzPartitionState(f *testing.F)  { fuzzParser(f, KindPartitionState, ParsePartitionState) }
func FuzzController(f *testing.F)      { fuzzParser(f, KindController, ParseController) }
func FuzzControllerEpoch(f *testing.F) { fuzzParser(f, KindControllerEpoch, ParseControllerEpoch) }
func FuzzConfig(f *testing.F)          { fuzzParser(f, KindConfig, ParseConfig) }
func FuzzConfigChange(f *testing.F)    { fuzzParser(f, KindConfigChange, ParseConfigChange) }
func FuzzReassignment(f *testing.F)    { fuzzParser(f, KindReassignment, ParseReassignment) }

func FuzzPreferredElection(f *testing.F) {
	fuzzParser(f, KindPreferredElection, ParsePreferredElection)
}
func FuzzISRChange(f *testing.F)       { fuzzParser(f, KindISRChange, ParseISRChange) }
func FuzzLogDirEvent(f *testing.F)     { fuzzParser(f, KindLogDirEvent, ParseLogDirEvent) }
func FuzzProducerIDBlock(f *testing.F) { fuzzParser(f, KindProducerIDBlock, ParseProducerIDBlock) }
func FuzzClusterID(f *testing.F)       { fuzzParser(f, KindClusterID, ParseClusterID) }
func FuzzFeatures(f *testing.F)        { fuzzParser(f, KindFeatures, ParseFeatures) }
func FuzzMigration(f *testing.F)       { fuzzParser(f, KindMigration, ParseMigration) }
func FuzzResourceACL(f *testing.F)     { fuzzParser(f, KindResourceACL, ParseResourceACL) }

func FuzzLiteralACLChange(f *testing.F) {
	fuzzParser(f, KindLiteralACLChange, ParseLiteralACLChange)
}

func FuzzExtendedACLChange(f *testing.F) {
	fuzzParser(f, KindExtendedACLChange, ParseExtendedACLChange)
}
func FuzzDelegationToken(f *testing.F) { fuzzParser(f, KindDelegationToken, ParseDelegationToken) }
func FuzzTokenChange(f *testing.F)     { fuzzParser(f, KindTokenChange, ParseTokenChange) }

func FuzzConsumerRegistration(f *testing.F) {
	fuzzParser(f, KindConsumerRegistration, ParseConsumerRegistration)
}
func FuzzConsumerOwner(f *testing.F)  { fuzzParser(f, KindConsumerOwner, ParseConsumerOwner) }
func FuzzConsumerOffset(f *testing.F) { fuzzParser(f, KindConsumerOffset, ParseConsumerOffset) }

// FuzzJSON compares the reader of JSON with the standard library's, which is
// laxer about duplicate keys, depth, and text that is not UTF-8.
func FuzzJSON(f *testing.F) {
	for _, g := range readGolden(f) {
		f.Add(g.data)
	}
	for _, seed := range []string{` [1.5e-3 , "\ud83d\ude00\n", null, true] `, `{"a":{"a":[]}}`, `{"a":1,"a":2}`, "\xff", `-0`, `1x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parseJSON(data)
		if err == nil && !json.Valid(data) {
			t.Fatalf("%q is not JSON", data)
		}
		if err != nil {
			if defect := err.(*jsonDefect); defect.problem == ProblemSyntax && json.Valid(data) && utf8.Valid(data) && !bytes.Contains(data, []byte(`\u`)) {
				t.Fatalf("%q is JSON: %v", data, err)
			}
			return
		}
		if got, want := normalize(t, rebuilt(v)), normalize(t, data); got != want {
			t.Fatalf("%q is written as %s, want %s", data, got, want)
		}
	})
}

// rebuilt writes a parsed value as a built one.
func rebuilt(v jsonValue) []byte {
	var strip func(v jsonValue) jsonValue
	strip = func(v jsonValue) jsonValue {
		switch v.kind {
		case jsonObject:
			object := objectJSON()
			for _, m := range v.members {
				object.members = append(object.members, jsonMember{m.key, strip(m.value)})
			}
			return object
		case jsonArray:
			return arrayJSON(v.elements, strip)
		case jsonString:
			return stringJSON(v.content)
		default:
			return v
		}
	}
	return appendJSON(nil, strip(v))
}

func FuzzClassify(f *testing.F) {
	for _, d := range definitions {
		f.Add(d.path)
	}
	for _, g := range readGolden(f) {
		f.Add(g.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		n, err := Classify(path)
		if err == nil && n.Kind != Unknown && n.Path() != path {
			t.Fatalf("%q is %+v, whose path is %q", path, n, n.Path())
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add("salt=YWJj,stored_key=AQID,server_key=BAUG,iterations=4096")
	f.Add("encryptedPassword:AQID,salt:YWJj,keyLength:128,iterations:4096,passwordLength:7,keyFactoryAlgorithm:P,cipherAlgorithm:A")
	f.Add("0:1,12:1001")
	f.Add("IN://[::1]:9092")
	f.Add("al%20ice")
	f.Add("rLNcgVNsSNmYgrtGlXBcJQ")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseScramCredential(text); err == nil {
			if again, err := ParseScramCredential(c.Value()); err != nil || again.Value() != c.Value() {
				t.Fatalf("credential %q is written as %q: %v", text, c.Value(), err)
			}
		}
		if r, err := ParseThrottledReplicas(text); err == nil {
			if again, err := ParseThrottledReplicas(r.String()); err != nil || again.String() != r.String() {
				t.Fatalf("throttle %q is written as %q: %v", text, r, err)
			}
		}
		if e, err := ParseEndpoint(text); err == nil {
			if again, err := ParseEndpoint(e.String()); err != nil || again != e {
				t.Fatalf("endpoint %q is written as %q, which reads as %+v, %v", text, e, again, err)
			}
		}
		if id, err := ParseUUID(text); err == nil && id.String() != text {
			t.Fatalf("id %q is written as %q", text, id)
		}
		if name, err := Desanitize(Sanitize(text)); err != nil || name != text {
			t.Fatalf("name %q comes back as %q, %v", text, name, err)
		}
		if p, err := ParseEncodedPassword(text); err == nil && p.Iterations < 0 {
			t.Fatalf("password %q has %d iterations", text, p.Iterations)
		}
	})
}
