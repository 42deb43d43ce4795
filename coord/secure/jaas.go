package secure

import (
	"fmt"
	"strings"
)

// Limits of a JAAS file.
const (
	jaasBytesMax    = 1 << 20
	jaasSectionsMax = 256
	jaasModulesMax  = 32
	jaasOptionsMax  = 10_000 // in one section; each user is one
)

// JAAS is a login configuration file of the Java platform, read as ZooKeeper's
// users have it:
//
//	Server {
//	    org.apache.zookeeper.server.auth.DigestLoginModule required
//	    user_alice="secret";
//	};
//
// Comments are those of Java. ${name} in a value, which Java replaces by a system
// property, is an error.
type JAAS struct {
	name     string
	sections map[string]*jaasSection
}

// jaasSection is one named section.
type jaasSection struct {
	line    int
	modules []jaasModule
}

// jaasModule is one login module with its options.
type jaasModule struct {
	line    int
	class   string
	options map[string]Secret
}

// jaasFlags are the words behind a class.
var jaasFlags = map[string]bool{"required": true, "requisite": true, "sufficient": true, "optional": true}

// ReadJAAS reads a file of at most 1 MiB. Errors name the file and the line, and
// no value.
func ReadJAAS(path string) (*JAAS, error) {
	text, err := readBounded(path, jaasBytesMax)
	if err != nil {
		return nil, fmt.Errorf("secure: JAAS file %s (java.security.auth.login.config): %w", path, err)
	}
	return ParseJAAS(path, text)
}

// ParseJAAS reads the text of a file; name is what errors call it.
func ParseJAAS(name string, text []byte) (*JAAS, error) {
	if len(text) > jaasBytesMax {
		return nil, fmt.Errorf("secure: JAAS file %s: %w: more than %d bytes", name, ErrTooLarge, jaasBytesMax)
	}
	p := jaasParser{scanner: jaasScanner{text: string(text), line: 1}}
	j := &JAAS{name: name, sections: make(map[string]*jaasSection)}
	if err := p.file(j); err != nil {
		return nil, fmt.Errorf("secure: JAAS file %s:%d: %w", name, p.word.line, err)
	}
	return j, nil
}

// jaasParser reads sections out of words.
type jaasParser struct {
	scanner jaasScanner
	word    jaasWord
}

func (p *jaasParser) advance() (err error) {
	p.word, err = p.scanner.next()
	return err
}

// expect takes the word if it is the given punctuation.
func (p *jaasParser) expect(mark, after string) error {
	if p.word.kind != jaasMark || p.word.text != mark {
		return fmt.Errorf("%q is missing behind %s", mark, after)
	}
	return p.advance()
}

func (p *jaasParser) file(j *JAAS) error {
	if err := p.advance(); err != nil {
		return err
	}
	for p.word.kind != jaasEnd {
		if p.word.kind == jaasMark {
			return fmt.Errorf("the name of a section is missing before %q", p.word.text)
		}
		name := p.word.text
		if j.sections[name] != nil {
			return fmt.Errorf("section %q is there twice; the first is in line %d", name, j.sections[name].line)
		}
		if len(j.sections) >= jaasSectionsMax {
			return fmt.Errorf("more than %d sections", jaasSectionsMax)
		}
		section, err := p.section(name)
		if err != nil {
			return err
		}
		j.sections[name] = section
	}
	return nil
}

func (p *jaasParser) section(name string) (*jaasSection, error) {
	s := &jaasSection{line: p.word.line}
	what := fmt.Sprintf("section %q", name)
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("{", "the name of "+what); err != nil {
		return nil, err
	}
	for options := 0; p.word.kind != jaasMark || p.word.text != "}"; {
		if p.word.kind == jaasEnd {
			return nil, fmt.Errorf("%s, which begins in line %d, is not closed with \"};\"", what, s.line)
		}
		module, err := p.module()
		if err != nil {
			return nil, err
		}
		s.modules = append(s.modules, module)
		options += len(module.options)
		if len(s.modules) > jaasModulesMax || options > jaasOptionsMax {
			return nil, fmt.Errorf("%s has more than %d modules or %d options", what, jaasModulesMax, jaasOptionsMax)
		}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return s, p.expect(";", "the end of "+what)
}

func (p *jaasParser) module() (jaasModule, error) {
	m := jaasModule{line: p.word.line, class: p.word.text, options: make(map[string]Secret)}
	if p.word.kind == jaasMark {
		return m, fmt.Errorf("the class of a login module is missing before %q", p.word.text)
	}
	if err := p.advance(); err != nil {
		return m, err
	}
	if p.word.kind != jaasBare || !jaasFlags[strings.ToLower(p.word.text)] {
		return m, fmt.Errorf("behind module %s one of required, requisite, sufficient and optional is missing", m.class)
	}
	if err := p.advance(); err != nil {
		return m, err
	}
	for p.word.kind == jaasBare {
		name := p.word.text
		if _, twice := m.options[name]; twice {
			return m, fmt.Errorf("option %s of module %s is there twice", name, m.class)
		}
		if err := p.advance(); err != nil {
			return m, err
		}
		if err := p.expect("=", "option "+name); err != nil {
			return m, err
		}
		if p.word.kind != jaasBare && p.word.kind != jaasQuoted {
			return m, fmt.Errorf("option %s has no value", name)
		}
		if strings.Contains(p.word.text, "${") {
			return m, fmt.Errorf("the value of option %s refers to a system property with ${…}, which is not supported; write the value itself", name)
		}
		m.options[name] = Secret(p.word.text)
		if len(m.options) > jaasOptionsMax {
			return m, fmt.Errorf("module %s has more than %d options", m.class, jaasOptionsMax)
		}
		if err := p.advance(); err != nil {
			return m, err
		}
	}
	return m, p.expect(";", "the options of module "+m.class)
}
