package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Load reads the configuration file at path, and the dynamic file it names.
// properties are -D settings from ParseArgs or ParseFlags; the file wins over
// them, and a later one over an earlier one. The warnings are for the start-up
// log. The error holds one *Error for each fault; ExitCode reads it.
//
// ZooKeeper: QuorumPeerConfig.parse.
func Load(path string, properties ...Property) (*Config, []Warning, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, &Error{File: path, Text: "Error processing " + path, Exit: ExitInvalidInvocation, Cause: err}
	}
	defer file.Close()
	c, warnings, err := Parse(file, path, properties...)
	if err != nil || c.Quorum.DynamicConfigFile == "" {
		return c, warnings, err
	}
	more, err := c.loadDynamic()
	return c, append(warnings, more...), err
}

func (c *Config) loadDynamic() ([]Warning, error) {
	path := c.Quorum.DynamicConfigFile
	file, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: c.File, Key: "dynamicConfigFile", Text: "Error processing " + path, Exit: ExitInvalidInvocation, Cause: err}
	}
	defer file.Close()
	return c.parseDynamic(file, path)
}

// Parse is Load for a file that is already open; a dynamic configuration file
// that it names is not read. name stands in messages.
func Parse(r io.Reader, name string, properties ...Property) (*Config, []Warning, error) {
	file, err := ReadProperties(r, name)
	if err != nil {
		return nil, nil, err
	}
	return build(name, file, properties)
}

// LoadArguments reads the arguments of ZooKeeper's server: one configuration
// file, or port, data directory, and optionally tick time and connection limit.
//
// ZooKeeper: ZooKeeperServerMain.java, ServerConfig.java.
func LoadArguments(arguments []string, properties ...Property) (*Config, []Warning, error) {
	switch len(arguments) {
	case 1:
		return Load(arguments[0], properties...)
	case 2, 3, 4:
		var file []Property
		for at, name := range []string{"clientPort", "dataDir", "tickTime", "maxClientCnxns"}[:len(arguments)] {
			file = append(file, Property{Key: name, Value: arguments[at], Origin: fmt.Sprintf("argument %d", at+1)})
		}
		return build("", file, properties)
	default:
		return nil, nil, &Error{
			Exit: ExitInvalidInvocation,
			Text: "Invalid arguments, exiting abnormally\nUsage: ZooKeeperServerMain configfile | port datadir [ticktime] [maxcnxns]",
		}
	}
}

func newConfig(name string) *Config {
	c := &Config{File: name, properties: make(map[string]Property)}
	c.Quorum.Weights = make(map[int64]int64)
	return c
}

// builder turns properties into a Config and collects what there is to say.
type builder struct {
	config   *Config
	warnings []Warning
	faults   []error
	// chosen is the winning setting of each key; family members stand under
	// their own names.
	chosen map[*key]Property
	// members are the settings of families, in their order.
	members []member
}

type member struct {
	key      *key
	property Property
}

func build(name string, file, flags []Property) (*Config, []Warning, error) {
	b := builder{config: newConfig(name), chosen: make(map[*key]Property)}
	for _, p := range flags {
		b.takeFlag(p)
	}
	b.takeFile(file)
	b.config.ZooKeeperDefaults = b.chosen[keys.byName["compat.defaults"]].Value == compatZooKeeper
	b.apply()
	b.servers()
	if len(b.faults) == 0 {
		b.derive()
		b.validate()
	}
	if len(b.faults) > 0 {
		return nil, b.warnings, errors.Join(b.faults...)
	}
	return b.config, b.warnings, nil
}

func (b *builder) warn(kind WarningKind, p Property, format string, arguments ...any) {
	b.warnings = append(b.warnings, Warning{Kind: kind, Key: p.Key, Origin: p.Origin, Text: fmt.Sprintf(format, arguments...)})
}

func (b *builder) fail(p Property, text string, cause error) {
	e := &Error{Line: p.Line, Key: p.Key, Text: text, Exit: ExitInvalidInvocation, Cause: cause}
	if p.Line > 0 {
		e.File = b.config.File
	} else if p.Origin != "" && p.Origin != fromDefault {
		e.Text = p.Origin + ": " + text
	}
	b.faults = append(b.faults, e)
}

// takeFlag notes one -D property.
func (b *builder) takeFlag(p Property) {
	k := keys.inFlags(p.Key)
	short, prefixed := strings.CutPrefix(p.Key, propertyPrefix)
	switch {
	case k != nil && k.isFamily():
		kept := p
		if prefixed {
			kept.Key = short
		}
		b.members = append(b.members, member{k, kept})
		b.config.properties[kept.Key] = kept
	case k != nil:
		b.chosen[k] = p
		b.config.properties[k.name] = p
	case !prefixed:
		// Properties of the JVM and of other libraries: none of our business.
	case keys.inFile(short) != nil:
		b.warn(WarnSpelling, p, "%s is read from the configuration file only; write %s= there", p.Key, short)
	default:
		b.config.properties[short] = p
		b.warnUnknown(p, short, propertyPrefix)
	}
}

func (b *builder) warnUnknown(p Property, short, prefix string) {
	if near := keys.nearest(short); near != "" {
		b.warn(WarnUnknown, p, "unknown key %s has no effect; did you mean %s%s?", p.Key, prefix, near)
		return
	}
	b.warn(WarnUnknown, p, "unknown key %s has no effect", p.Key)
}

// takeFile notes the settings of the file. A key under its own name wins over
// one of its other spellings.
func (b *builder) takeFile(file []Property) {
	for _, p := range file {
		k := keys.inFile(p.Key)
		short, prefixed := strings.CutPrefix(p.Key, propertyPrefix)
		switch {
		case k != nil && k.isFamily():
			b.members = slices.DeleteFunc(b.members, func(m member) bool { return m.property.Key == p.Key })
			b.members = append(b.members, member{k, p})
			b.config.properties[p.Key] = p
		case k != nil:
			if former, ok := b.chosen[k]; ok && p.Key != k.name && former.Key == k.name && former.Line > 0 {
				b.warn(WarnSpelling, p, "%s and %s name the same setting; %s is used", p.Key, k.name, k.name)
				continue
			}
			b.chosen[k] = p
			b.config.properties[k.name] = p
		case prefixed:
			b.config.properties[p.Key] = p
			near := short
			if keys.inFile(short) == nil {
				near = keys.nearest(short)
			}
			if near == "" {
				near = short
			}
			b.warn(WarnSpelling, p, "%s has no effect: keys of the configuration file carry no zookeeper. prefix; did you mean %s?", p.Key, near)
		default:
			b.config.properties[p.Key] = p
			b.warnUnknown(p, p.Key, "")
		}
	}
}

// fromDefault is the origin of a value that nobody set.
const fromDefault = "default"

// setting is the text in force for a key that is no family.
func (b *builder) setting(k *key) (p Property, isSet bool) {
	if p, isSet = b.chosen[k]; isSet {
		return p, true
	}
	return Property{Key: k.name, Value: b.defaultOf(k), Origin: fromDefault}, false
}

func (b *builder) defaultOf(k *key) string {
	if k.ours != "" && !b.config.ZooKeeperDefaults {
		return k.ours
	}
	return k.fallback
}

// apply runs every setter, for set keys and for defaults.
func (b *builder) apply() {
	for _, k := range keys.list {
		if k.isFamily() {
			continue
		}
		p, isSet := b.setting(k)
		if !isSet {
			if k.set != nil && p.Value != "" {
				b.store(k, p)
			}
			continue
		}
		b.remark(k, p)
		switch {
		case k.set == nil:
		case p.Value == "" && k.fallback != "" && len(k.properties) > 0:
			b.storeDefault(k, p)
		default:
			b.store(k, p)
		}
	}
	remarked := make(map[*key]bool)
	for _, m := range b.members {
		if !remarked[m.key] {
			b.remark(m.key, m.property)
		}
		// One remark speaks for a whole family.
		remarked[m.key] = true
		if m.key.set != nil {
			b.store(m.key, m.property)
		}
	}
}

// storeDefault handles "key=" for a property with a default, which then stands.
// The parser's own keys get ZooKeeper's answer instead: an empty number is an
// error.
func (b *builder) storeDefault(k *key, p Property) {
	b.warn(WarnValue, p, "%s has no value; the default %s is used", p.Key, b.defaultOf(k))
	b.store(k, Property{Key: k.name, Value: b.defaultOf(k), Origin: fromDefault})
	delete(b.chosen, k)
}

// store runs one setter and sorts its outcome.
func (b *builder) store(k *key, p Property) {
	err := k.set(b.config, k, p.Value)
	if err == nil {
		return
	}
	if e, ok := errors.AsType[adjustedError](err); ok {
		b.warn(WarnValue, p, "%s: %s", p.Key, e.text)
		return
	}
	if e, ok := errors.AsType[fallbackError](err); ok {
		fallback := b.defaultOf(k)
		b.warn(WarnValue, p, "%s: %s; the default %s is used", p.Key, e.reason, cmpOr(fallback, "(unset)"))
		delete(b.chosen, k)
		if fallback != "" && fallback != p.Value {
			b.store(k, Property{Key: k.name, Value: fallback, Origin: fromDefault})
		}
		return
	}
	text := err.Error()
	if strings.HasPrefix(text, "For input string") {
		text = strings.TrimSpace("Error processing "+b.config.File) + ": " + text
	}
	b.fail(p, text, nil)
}

func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// remark says what a verdict demands about a key that was set.
func (b *builder) remark(k *key, p Property) {
	note := ""
	if k.note != "" {
		note = ": " + k.note
	}
	switch k.verdict {
	case ignored:
		b.warn(WarnNoEffect, p, "option %s has no effect in this server%s", p.Key, note)
	case later:
		if p.Value != "" && !strings.EqualFold(p.Value, cmpOr(k.quiet, k.fallback)) {
			b.warn(WarnNotYet, p, "option %s has no effect in this version%s", p.Key, note)
		}
	case refused:
		b.fail(p, "this server does not start with "+p.Key+note+". Remove the line to go on", nil)
	case honoured:
		if slices.Contains(k.aliases, p.Key) {
			b.warn(WarnSpelling, p, "%s is read as %s; ZooKeeper itself reads only the latter in this file", p.Key, k.name)
		}
	case silent:
	}
}

// derive fills what follows from other values.
func (b *builder) derive() {
	c := b.config
	if c.DataLogDir == "" {
		c.DataLogDir = c.DataDir
	}
	if c.MinSessionTimeout == -millis {
		c.MinSessionTimeout = 2 * c.TickTime
	}
	if c.MaxSessionTimeout == -millis {
		c.MaxSessionTimeout = 20 * c.TickTime
	}
	if _, isSet := b.chosen[keys.byName["maxWriteQueuePollTime"]]; !isSet {
		c.MaxWriteQueuePollTime = c.FlushDelay / 3
	}
	if _, isSet := b.chosen[keys.byName["jute.maxbuffer.extrasize"]]; !isSet {
		c.MaxBufferExtra = c.MaxBuffer
	}
	c.MaxBufferExtra = max(c.MaxBufferExtra, extraMin)
	if c.Quorum.ElectionBindRetries < 0 {
		c.Quorum.ElectionBindRetries = 3
	}
	if c.Quorum.ElectionReadTimeout < 0 {
		c.Quorum.ElectionReadTimeout = time.Duration(c.Quorum.SyncLimit) * c.TickTime
	}
	if len(c.Quorum.Servers) == 1 && !c.Quorum.Distributed() && c.ClientPort == 0 {
		// A lone server line stands in for clientPort.
		c.ClientPort, c.ClientPortAddress = c.Quorum.Servers[0].ClientPort, c.Quorum.Servers[0].ClientHost
	}
}

// extraMin is the least allowance on top of jute.maxbuffer, in bytes.
const extraMin = 1024
