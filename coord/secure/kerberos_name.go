package secure

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// kerberosName is a principal name in its parts: service/host@realm. The last two
// may be missing.
type kerberosName struct {
	service, host, realm string
	hasHost, hasRealm    bool
}

var principalPattern = regexp.MustCompile(`^([^/@]*)(/([^/@]*))?@([^/@]*)$`)

// parseKerberosName takes a name apart as ZooKeeper does: one without @ is a
// service name as a whole (ZooKeeper: KerberosName.java).
func parseKerberosName(name string) (kerberosName, error) {
	parts := principalPattern.FindStringSubmatch(name)
	switch {
	case parts != nil:
		return kerberosName{service: parts[1], host: parts[3], realm: parts[4], hasHost: parts[2] != "", hasRealm: true}, nil
	case strings.Contains(name, "@"):
		return kerberosName{}, fmt.Errorf("malformed Kerberos name %q", name)
	default:
		return kerberosName{service: name}, nil
	}
}

// NameRules make identities of Kerberos principals.
type NameRules struct {
	// DefaultRealm is the realm whose names the rule DEFAULT shortens.
	DefaultRealm string
	// RemoveHost and RemoveRealm leave /host and @realm out of identities
	// (kerberos.removeHostFromPrincipal, kerberos.removeRealmFromPrincipal).
	RemoveHost, RemoveRealm bool

	rules []nameRule
}

// nameRule is one rule of security.auth_to_local.
type nameRule struct {
	isDefault  bool
	components int
	format     string
	match      *regexp.Regexp // of the whole formatted name; nil: any
	from       *regexp.Regexp // nil: no substitution
	to         string
	everywhere bool
}

const nameRulesMax = 1000

var rulePattern = regexp.MustCompile(`^\s*((DEFAULT)|(RULE:\[(\d*):([^\]]*)](\(([^)]*)\))?(s/([^/]*)/([^/]*)/(g)?)?))`)

// ParseNameRules reads the rules of security.auth_to_local, in their order:
// DEFAULT, or RULE:[components:format](pattern)s/from/to/g. Empty text is DEFAULT.
// The patterns are those of package regexp, which has no look-around and no
// backward references.
func ParseNameRules(text string) (*NameRules, error) {
	r := &NameRules{}
	if strings.TrimSpace(text) == "" {
		text = "DEFAULT"
	}
	for rest := text; strings.TrimSpace(rest) != ""; {
		parts := rulePattern.FindStringSubmatch(rest)
		if parts == nil || len(r.rules) >= nameRulesMax {
			return nil, fmt.Errorf("secure: security.auth_to_local: Invalid rule: %s", strings.TrimSpace(rest))
		}
		rest = rest[len(parts[0]):]
		rule, err := newNameRule(parts)
		if err != nil {
			return nil, fmt.Errorf("secure: security.auth_to_local: rule %s: %w", strings.TrimSpace(parts[0]), err)
		}
		r.rules = append(r.rules, rule)
	}
	return r, nil
}

// newNameRule takes the groups of rulePattern.
func newNameRule(parts []string) (rule nameRule, err error) {
	if parts[2] != "" {
		rule.isDefault = true
		return rule, nil
	}
	if rule.components, err = strconv.Atoi(parts[4]); err != nil {
		return rule, errors.New("the number of components is missing")
	}
	rule.format, rule.everywhere = parts[5], parts[11] != ""
	if parts[6] != "" {
		if rule.match, err = regexp.Compile(`^(?:` + parts[7] + `)$`); err != nil {
			return rule, err
		}
	}
	if parts[8] != "" {
		if rule.from, err = regexp.Compile(parts[9]); err != nil {
			return rule, err
		}
		rule.to = javaReference.ReplaceAllString(parts[10], "$${$1}")
	}
	return rule, nil
}

// javaReference is a group reference in a replacement, which Go needs in braces.
var javaReference = regexp.MustCompile(`\$(\d)`)

// Identity is the name that an authenticated principal gets in ACLs: the short
// name by the rules, then the host and realm that are not to be removed. A
// principal to which no rule applies keeps its whole name, as in ZooKeeper: such
// are those of other realms under the rule DEFAULT.
func (r *NameRules) Identity(principal string) (string, error) {
	name, err := parseKerberosName(principal)
	if err != nil {
		return "", err
	}
	identity, applies := r.short(name)
	if !applies {
		return principal, nil
	}
	if name.hasHost && !r.RemoveHost {
		identity += "/" + name.host
	}
	if name.hasRealm && !r.RemoveRealm {
		identity += "@" + name.realm
	}
	return identity, nil
}

var nameParameter = regexp.MustCompile(`\$(\d*)`)

// short is the name that the first rule which applies gives; a result with / or @
// is none.
func (r *NameRules) short(name kerberosName) (result string, applies bool) {
	if !name.hasHost && !name.hasRealm {
		return name.service, true
	}
	parameters := []string{name.realm, name.service}
	if name.hasHost {
		parameters = append(parameters, name.host)
	}
	for _, rule := range r.rules {
		if result, applies = rule.apply(parameters, r.DefaultRealm); applies {
			return result, !strings.ContainsAny(result, "/@")
		}
	}
	return "", false
}

// apply gives the short name, if the rule applies. Parameters are realm, service
// and maybe host.
func (rule *nameRule) apply(parameters []string, defaultRealm string) (result string, applies bool) {
	if rule.isDefault {
		return parameters[1], parameters[0] == defaultRealm
	}
	if len(parameters)-1 != rule.components {
		return "", false
	}
	base := nameParameter.ReplaceAllStringFunc(rule.format, func(reference string) string {
		at, err := strconv.Atoi(reference[1:])
		if err != nil || at >= len(parameters) {
			return reference
		}
		return parameters[at]
	})
	if rule.match != nil && !rule.match.MatchString(base) {
		return "", false
	}
	if rule.from == nil {
		return base, true
	}
	if rule.everywhere {
		return rule.from.ReplaceAllString(base, rule.to), true
	}
	at := rule.from.FindStringSubmatchIndex(base)
	if at == nil {
		return base, true
	}
	replaced := rule.from.ExpandString(nil, rule.to, base, at)
	return base[:at[0]] + string(replaced) + base[at[1]:], true
}
