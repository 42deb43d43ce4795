package secure

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

const jaasExample = `
/* Servers of
   the test */
Server {
  org.apache.zookeeper.server.auth.DigestLoginModule required
    user_super="s\"p\\r" // not shown
    user_bob='bobsecret'
    user_al-ice=plain.word;
};
Client { org.apache.zookeeper.server.auth.DigestLoginModule Required username="bob" password="bobsecret"; };
Kerberos {
  com.example.OtherModule optional debug=true;
  com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab="file:/etc/zk.keytab"
    storeKey=true useTicketCache=false principal="zookeeper/host@REALM";
};
Empty { };
`

func TestJAAS(t *testing.T) {
	j, err := ParseJAAS("zk.jaas", []byte(jaasExample))
	if err != nil {
		t.Fatal(err)
	}
	l, err := j.Login("Server")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Secret{"super": `s"p\r`, "bob": "bobsecret", "al-ice": "plain.word"}
	if l.Mechanism != DigestMD5 || !maps.Equal(l.Users, want) || l.Where != "zk.jaas:5" {
		t.Errorf("section Server: %s at %s, users are as wanted: %v", l.Mechanism, l.Where, maps.Equal(l.Users, want))
	}
	if l, err = j.Login("Client"); err != nil || l.Username != "bob" || l.Password != "bobsecret" {
		t.Errorf("section Client: %v, %v", l, err)
	}
	if l, err = j.Login("Kerberos"); err != nil || l.Mechanism != GSSAPI || l.Keytab != "/etc/zk.keytab" || l.Principal != "zookeeper/host@REALM" {
		t.Errorf("section Kerberos: %+v, %v", l, err)
	}
	for section, want := range map[string]string{
		"Missing": "No JAAS configuration section named 'Missing' was found in 'zk.jaas'",
		"Empty":   "zk.jaas:16: section Empty has no login module that is known",
	} {
		if _, err := j.Login(section); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("section %s: %v", section, err)
		}
	}
}

func TestJAASFaults(t *testing.T) {
	for text, want := range map[string]string{
		"A {\n m.C required a=\"secret;\n};":     "x:2: a quote is not closed",
		"A {\n m.C required a=\"secret\"\n};":    "x:3: \";\" is missing behind the options of module m.C",
		"A {\n m.C required a;\n};":              "x:2: \"=\" is missing behind option a",
		"A {\n m.C required a=;\n};":             "x:2: option a has no value",
		"A {\n m.C a=b;\n};":                     "x:2: behind module m.C one of required",
		"A {\n m.C required a=b a=c;\n};":        "x:2: option a of module m.C is there twice",
		"A { };\n\nA { };":                       "x:3: section \"A\" is there twice; the first is in line 1",
		"A { }":                                  "x:1: \";\" is missing behind the end of section \"A\"",
		"A {\n\n":                                "x:3: section \"A\", which begins in line 1, is not closed",
		"A m":                                    "x:1: \"{\" is missing",
		"{ };":                                   "x:1: the name of a section is missing",
		"A { ; };":                               "x:1: the class of a login module is missing",
		"/* a\n":                                 "x:1: a comment is not closed",
		"A {\n m.C required a=${user.home};\n};": "x:2: \";\" is missing",
		"A {\n m.C required a=\"${user.home}\";\n};": "x:2: the value of option a refers to a system property",
		"A {\n m.C required a=\"\\101\";\n};":        "x:2: a backslash and digits",
		"A { m.C required a=/etc/file; };":           "x:1: a \"/\" is out of place; put values in quotes",
		strings.Repeat("x", jaasBytesMax+1):          "the file is too large",
	} {
		_, err := ParseJAAS("x", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error %q holds a value", err)
		}
	}
	var many strings.Builder
	many.WriteString("A { m.C required")
	for i := range jaasOptionsMax + 1 {
		fmt.Fprintf(&many, " user_%d=x", i)
	}
	for text, want := range map[string]string{
		many.String() + "; };": "more than 10000 options",
		"A {" + strings.Repeat(" m.C required;", jaasModulesMax+1) + " };": "more than 32 modules",
	} {
		if _, err := ParseJAAS("x", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := ReadJAAS("/nowhere/jaas.conf"); err == nil || !strings.Contains(err.Error(), "java.security.auth.login.config") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestKerberosLoginFaults(t *testing.T) {
	for options, want := range map[string]string{
		`keyTab="/k" principal="p"`:       "useKeyTab=true",
		`useKeyTab=true principal="p"`:    "no keyTab",
		`useKeyTab=true keyTab="/k"`:      "no principal",
		`useTicketCache=true`:             "useKeyTab=true",
		`useKeyTab=false keyTab="/k"`:     "useKeyTab=true",
		`useKeyTab=true principal="a@B" `: "no keyTab",
	} {
		j, err := ParseJAAS("x", []byte("Server { com.sun.security.auth.module.Krb5LoginModule required "+options+"; };"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Login("Server"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", options, err, want)
		}
	}
}

func FuzzJAAS(f *testing.F) {
	f.Add([]byte(jaasExample))
	f.Add([]byte("A { m.C required a=\"x\\\"y\"; };"))
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := ParseJAAS("x", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "secure: JAAS file x") {
				t.Errorf("the error %q does not name the file", err)
			}
			return
		}
		for name := range j.sections {
			_, _ = j.Login(name)
		}
	})
}
