package secure

import (
	"fmt"
	"path"
	"strings"
)

// The login modules that are known, by the last part of their class names: forks
// and vendors keep them.
const (
	digestModule = "DigestLoginModule"
	krb5Module   = "Krb5LoginModule"
)

// Login is what one section of a JAAS file says: with which mechanism, and who.
type Login struct {
	// Section is the name of the section, and Where its file and line.
	Section, Where string
	Mechanism      Mechanism
	// Users are the passwords of the users that a DIGEST-MD5 server knows: the
	// user_<name> entries.
	Users map[string]Secret
	// Username and Password are for a DIGEST-MD5 client.
	Username string
	Password Secret
	// Keytab is the file of a Kerberos principal's keys.
	Keytab    string
	Principal string
}

// Has tells whether the file has a section.
func (j *JAAS) Has(section string) bool { return j.sections[section] != nil }

// Login interprets a section. The first module that is known counts.
func (j *JAAS) Login(section string) (*Login, error) {
	s := j.sections[section]
	if s == nil {
		return nil, fmt.Errorf("secure: No JAAS configuration section named '%s' was found in '%s'", section, j.name)
	}
	for _, m := range s.modules {
		l := &Login{Section: section, Where: fmt.Sprintf("%s:%d", j.name, m.line)}
		var err error
		switch path.Ext(m.class) {
		case "." + digestModule:
			l.digest(m)
		case "." + krb5Module:
			err = l.kerberos(m)
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("secure: JAAS file %s: section %s: %w", l.Where, section, err)
		}
		return l, nil
	}
	return nil, fmt.Errorf("secure: JAAS file %s:%d: section %s has no login module that is known; use org.apache.zookeeper.server.auth.%s or com.sun.security.auth.module.%s",
		j.name, s.line, section, digestModule, krb5Module)
}

func (l *Login) digest(m jaasModule) {
	l.Mechanism, l.Users = DigestMD5, make(map[string]Secret)
	for name, value := range m.options {
		if user, ok := strings.CutPrefix(name, "user_"); ok {
			l.Users[user] = value
		}
	}
	l.Username, l.Password = string(m.options["username"]), m.options["password"]
}

func (l *Login) kerberos(m jaasModule) error {
	isTrue := func(option string) bool { return strings.EqualFold(string(m.options[option]), "true") }
	l.Mechanism = GSSAPI
	l.Keytab = strings.TrimPrefix(string(m.options["keyTab"]), "file:")
	l.Principal = string(m.options["principal"])
	switch {
	case !isTrue("useKeyTab"):
		return fmt.Errorf("%s without useKeyTab=true: only keytabs are read, no ticket caches", krb5Module)
	case l.Keytab == "":
		return fmt.Errorf("%s has no keyTab", krb5Module)
	case l.Principal == "":
		return fmt.Errorf("%s has no principal", krb5Module)
	}
	return nil
}
