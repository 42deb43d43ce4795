package model

import (
	"bytes"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for name, stored := range map[string]string{
		"alice": "alice", "al ice@x": "al%20ice%40x", "a*b": "a%2Ab", "a.b-c_d~": "a.b-c_d%7E", "<default>": "%3Cdefault%3E",
		"é/+%": "%C3%A9%2F%2B%25", "CN=a,OU=b": "CN%3Da%2COU%3Db",
	} {
		if got := Sanitize(name); got != stored {
			t.Errorf("%q is stored as %q, want %q", name, got, stored)
		}
		if got, err := Desanitize(stored); err != nil || got != name {
			t.Errorf("%q reads as %q, %v", stored, got, err)
		}
	}
	if name, err := Desanitize("a+b@c"); name != "a b@c" || err != nil {
		t.Errorf("lenient form reads as %q, %v", name, err)
	}
	if name, err := Desanitize("%zz"); err == nil {
		t.Errorf("broken escape reads as %q", name)
	}
}

func TestEntities(t *testing.T) {
	for _, c := range []struct {
		entity                Entity
		text, display, client string
		canonical, isDefault  bool
	}{
		{TopicEntity("t"), "topics/t", "t", "", true, false},
		{UserEntity("al ice"), "users/al%20ice", "al ice", "", true, false},
		{UserEntity("<default>"), "users/%3Cdefault%3E", "<default>", "", true, false},
		{DefaultEntity(Users), "users/<default>", "<default>", "", true, true},
		{UserEntity("u").WithDefaultClient(), "users/u/clients/<default>", "u", "<default>", true, true},
		{UserEntity("u").WithClient("c d"), "users/u/clients/c%20d", "u", "c d", true, false},
		{Entity{Type: Users, Name: "a@b"}, "users/a@b", "a@b", "", false, false},
		{Entity{Type: Users, Name: "%zz"}, "users/%zz", "%zz", "", false, false},
		{Entity{Type: Users, Name: "u", Client: "c*"}, "users/u/clients/c*", "u", "c*", false, false},
		{IPEntity("::1"), "ips/::1", "::1", "", true, false},
		{BrokerEntity(3), "brokers/3", "3", "", true, false},
	} {
		e := c.entity
		if e.String() != c.text || e.DisplayName() != c.display || e.DisplayClient() != c.client || e.Canonical() != c.canonical || e.IsDefault() != c.isDefault {
			t.Errorf("%+v: %q %q %q canonical %v default %v", e, e, e.DisplayName(), e.DisplayClient(), e.Canonical(), e.IsDefault())
		}
		if parsed, err := ParseEntity(c.text); err != nil || parsed != e {
			t.Errorf("%q reads as %+v, %v", c.text, parsed, err)
		}
	}
	if id, ok := BrokerEntity(3).Broker(); id != 3 || !ok {
		t.Errorf("broker entity has id %d, %v", id, ok)
	}
	for _, e := range []Entity{DefaultEntity(Brokers), TopicEntity("3")} {
		if id, ok := e.Broker(); ok {
			t.Errorf("%v has broker id %d", e, id)
		}
	}
	for _, bad := range []string{"", "topics", "topics/", "topics/a/b", "users/u/clients", "brokers/x", "../topics/t"} {
		if e, err := ParseEntity(bad); err == nil {
			t.Errorf("%q reads as %+v", bad, e)
		}
	}
}

func TestTopicNames(t *testing.T) {
	long := strings.Repeat("a", TopicNameLengthMax)
	for name, legal := range map[string]bool{
		"a": true, "a.b_c-D9": true, "...": true, long: true, long + "a": false, "": false, ".": false, "..": false, "a/b": false, "a b": false, "é": false,
	} {
		if err := ValidateTopicName(name); (err == nil) != legal {
			t.Errorf("topic name %q: %v", name, err)
		}
	}
}

func TestUUID(t *testing.T) {
	id, err := ParseUUID("rLNcgVNsSNmYgrtGlXBcJQ")
	if err != nil || id.String() != "rLNcgVNsSNmYgrtGlXBcJQ" || id.IsZero() || id[0] != 0xac {
		t.Errorf("id reads as %x %s, %v", [16]byte(id), id, err)
	}
	if zero, err := ParseUUID("AAAAAAAAAAAAAAAAAAAAAA"); err != nil || !zero.IsZero() {
		t.Errorf("zero id reads as %v, %v", zero, err)
	}
	for _, bad := range []string{"", "rLNcgVNsSNmYgrtGlXBcJ", "rLNcgVNsSNmYgrtGlXBcJQ==", "rLNcgVNsSNmYgrtGlXBcJR", "rLNcgVNsSNmYgrtGlXBc+Q", "rLNcgVNsSNmYgrtGlXBcJQAA"} {
		if id, err := ParseUUID(bad); err == nil {
			t.Errorf("%q reads as %v", bad, id)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for text, want := range map[string]Endpoint{
		"PLAINTEXT://host:9092":  {"PLAINTEXT", "host", 9092},
		"IN://[2001:db8::1]:80":  {"IN", "2001:db8::1", 80},
		"IN://:9092":             {"IN", "", 9092},
		"IN://host:-1":           {"IN", "host", -1},
		"PLAINTEXT://host:65535": {"PLAINTEXT", "host", 65535},
	} {
		got, err := ParseEndpoint(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q reads as %+v, %v, and is written as %q", text, got, err, got)
		}
	}
	for _, bad := range []string{"", "host:9092", "IN://host", "IN://host:", "IN://host:x", "IN://host:65536", "IN://host:-2"} {
		if e, err := ParseEndpoint(bad); err == nil {
			t.Errorf("%q reads as %+v", bad, e)
		}
	}
	old := &Broker{Version: 1, Host: "h", Port: 1}
	if got := old.Listeners(); len(got) != 1 || got[0] != (Endpoint{"PLAINTEXT", "h", 1}) || old.Protocol("SSL") != "SSL" || old.Protocol("IN") != "" {
		t.Errorf("broker of version 1 has listeners %v", got)
	}
}

func TestScramCredentials(t *testing.T) {
	const stored = "salt=YWJj,stored_key=AQID,server_key=BAUG,iterations=4096"
	config := &Config{Version: 1, Values: map[string]string{string(ScramSHA256): stored}}
	credential, found, err := config.Scram(ScramSHA256)
	if err != nil || !found || string(credential.Salt) != "abc" || !bytes.Equal(credential.StoredKey, []byte{1, 2, 3}) ||
		!bytes.Equal(credential.ServerKey, []byte{4, 5, 6}) || credential.Iterations != 4096 {
		t.Errorf("credential reads as %+v, %v, %v", credential, found, err)
	}
	if credential.Value() != stored {
		t.Errorf("credential is written as %s", credential.Value())
	}
	if strings.Contains(credential.String(), "AQID") {
		t.Errorf("printing shows the key: %s", credential)
	}
	if _, found, err := config.Scram(ScramSHA512); found || err != nil {
		t.Errorf("absent credential: %v, %v", found, err)
	}
	for _, bad := range []string{
		"", "salt", "salt=YWJj", stored + ",extra=1", stored + ",salt=YWJj", strings.Replace(stored, "YWJj", "YW!", 1), strings.Replace(stored, "YWJj", "YW\nJj", 1),
		strings.Replace(stored, "4096", "many", 1), strings.Replace(stored, "4096", "2147483648", 1), strings.Replace(stored, "salt", "sale", 1),
	} {
		_, err := ParseScramCredential(bad)
		if err == nil || strings.Contains(err.Error(), "AQID") {
			t.Errorf("credential %q: %v", bad, err)
		}
	}
	if ScramSHA256.KeyBytes() != 32 || ScramSHA512.KeyBytes() != 64 || Mechanism("MD5").KeyBytes() != 0 {
		t.Error("wrong key lengths")
	}
}

func TestEncodedPasswords(t *testing.T) {
	const stored = "encryptedPassword:AQID,initializationVector:BAUG,salt:YWJj,keyLength:128,iterations:4096,passwordLength:7," +
		"keyFactoryAlgorithm:PBKDF2WithHmacSHA512,cipherAlgorithm:AES/CBC/PKCS5Padding"
	p, err := ParseEncodedPassword(stored)
	if err != nil || p.KeyFactoryAlgorithm != "PBKDF2WithHmacSHA512" || p.CipherAlgorithm != "AES/CBC/PKCS5Padding" || p.KeyLengthBits != 128 ||
		p.Iterations != 4096 || p.PasswordLengthBytes != 7 || string(p.Salt) != "abc" || !bytes.Equal(p.InitializationVector, []byte{4, 5, 6}) || p.TagLengthBits != 0 {
		t.Errorf("password reads as %+v, %v", p, err)
	}
	if p, err := ParseEncodedPassword(stored + ",authenticationTagLength:128"); err != nil || p.TagLengthBits != 128 {
		t.Errorf("GCM password reads as %+v, %v", p, err)
	}
	for _, bad := range []string{
		"", "secret", strings.Replace(stored, "128", "-1", 1), strings.Replace(stored, "YWJj", "Y", 1), strings.Replace(stored, "salt:YWJj,", "", 1), stored + ",x:1",
	} {
		_, err := ParseEncodedPassword(bad)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("password %q: %v", bad, err)
		}
	}
}

func TestQuotas(t *testing.T) {
	config := &Config{Values: map[string]string{RequestPercentage: "12.5", ProducerByteRate: "1024", "SCRAM-SHA-256": "x"}}
	quotas, err := config.Quotas(Users)
	if err != nil || len(quotas) != 2 || quotas[0] != (Quota{ProducerByteRate, 1024}) || quotas[1] != (Quota{RequestPercentage, 12.5}) {
		t.Errorf("quotas are %v, %v", quotas, err)
	}
	if quotas, err := config.Quotas(Topics); len(quotas) != 0 || err != nil {
		t.Errorf("topic has quotas %v, %v", quotas, err)
	}
	for _, c := range []struct {
		key, value string
		legal      bool
	}{
		{ProducerByteRate, "1024.0", true},
		{ProducerByteRate, "1e3", true},
		{ConnectionCreationRate, "10", true},
		{ConnectionCreationRate, "10.5", false},
		{LeaderThrottledRate, "1.5", false},
		{ProducerByteRate, "fast", false},
		{ProducerByteRate, "-1", false},
		{ProducerByteRate, "NaN", false},
		{ProducerByteRate, "Inf", false},
		{ProducerByteRate, "", false},
	} {
		config := &Config{Values: map[string]string{c.key: c.value}}
		var failed error
		for _, entityType := range EntityTypes {
			if _, err := config.Quotas(entityType); err != nil {
				failed = err
			}
		}
		if (failed == nil) != c.legal || (failed != nil && !strings.Contains(failed.Error(), c.key)) {
			t.Errorf("%s=%s: %v", c.key, c.value, failed)
		}
	}
}

func TestThrottledReplicas(t *testing.T) {
	for text, replicas := range map[string]int{"*": 0, "": 0, "0:1": 1, "0:1,12:1001": 2} {
		got, err := ParseThrottledReplicas(text)
		if err != nil || len(got.Replicas) != replicas || got.All != (text == "*") || got.String() != text {
			t.Errorf("%q reads as %+v, %v, and is written as %q", text, got, err, got)
		}
	}
	for _, bad := range []string{"0", "0:", ":1", "0:1,", "a:b", "-1:2", "0:1:2", "*,0:1"} {
		if got, err := ParseThrottledReplicas(bad); err == nil {
			t.Errorf("%q reads as %+v", bad, got)
		}
	}
}

func TestACLNames(t *testing.T) {
	for _, c := range []struct {
		entry                 ACLEntry
		operation, permission bool
	}{
		{ACLEntry{Operation: "DescribeConfigs", Permission: "Allow"}, true, true},
		{ACLEntry{Operation: "describeconfigs", Permission: "DENY"}, true, true},
		{ACLEntry{Operation: "Reed", Permission: "Permit"}, false, false},
	} {
		if c.entry.OperationKnown() != c.operation || c.entry.PermissionKnown() != c.permission {
			t.Errorf("%+v: operation known %v, permission known %v", c.entry, c.entry.OperationKnown(), c.entry.PermissionKnown())
		}
	}
	for upper, pascal := range map[string]ResourceType{
		"TOPIC": TopicResource, "TRANSACTIONAL_ID": TransactionalIDResource, "DELEGATION_TOKEN": DelegationTokenResource, "USER": UserResource,
	} {
		if parseResourceType(upper) != pascal || pascal.upper() != upper || !pascal.Known() {
			t.Errorf("%s reads as %s, %s is written as %s", upper, parseResourceType(upper), pascal, pascal.upper())
		}
	}
	if unknown := parseResourceType("Shelf"); unknown != "Shelf" || unknown.Known() {
		t.Errorf("unknown type reads as %s", unknown)
	}
}
