package model

// Config is the configuration of an entity below /config: of topics, brokers,
// users, clients and addresses. Users keep quotas and SCRAM credentials in the
// same node. Kafka: ZkData.scala, ConfigEntityZNode.
type Config struct {
	Version int32 // 1; 0 when the node has no data
	// Values are the settings by key. What they mean is for the type of the
	// entity to say; see quota.go, scram.go, password.go.
	Values map[string]string

	source []byte
	bare   bool // parsed from a node without data
}

// ParseConfig reads a configuration. Null and empty data are an empty one: a
// node that exists only for the sake of its children has none. Other data that
// Kafka would take for an empty configuration is an error.
func ParseConfig(path string, data []byte) (*Config, error) {
	if len(data) == 0 {
		return &Config{Values: map[string]string{}, source: data, bare: true}, nil
	}
	r, o := readObject(path, KindConfig, data)
	return finish(r, &Config{source: data, Version: o.version(1, 1), Values: readMembers(o.object("config"), r.jsonString)})
}

// Kind is KindConfig.
func (c *Config) Kind() Kind { return KindConfig }

// Encode gives the payload.
func (c *Config) Encode() ([]byte, error) {
	if !c.bare {
		return encodeDocument(c.source, c, ParseConfig)
	}
	if len(c.Values) == 0 {
		return c.source, nil
	}
	return encodeDocument(nil, &Config{Version: 1, Values: c.Values}, ParseConfig)
}

func (c *Config) document() jsonValue {
	values := objectJSON()
	for _, key := range javaTableOrder(c.Values) {
		values.members = append(values.members, jsonMember{key, stringJSON(c.Values[key])})
	}
	return objectJSON(jsonMember{"version", intJSON(c.Version)}, jsonMember{"config", values})
}

// The versions of configuration change notifications. Version 0 is a JSON
// string with the name of a topic. Kafka: DynamicConfigManager.scala.
const (
	ConfigChangeVersionMin = 0 // 0.8.1 to 0.8.2
	ConfigChangeVersionMax = 2 // 0.10.1 and later
)

// ConfigChange says whose configuration changed, at
// /config/changes/config_change_N.
type ConfigChange struct {
	Version int32
	Entity  Entity

	source []byte
}

// ParseConfigChange reads a notification of version 0 to 2.
func ParseConfigChange(path string, data []byte) (*ConfigChange, error) {
	r := &reader{path: path, kind: KindConfigChange}
	c := &ConfigChange{source: data}
	v, ok := r.json(data)
	if ok && v.kind == jsonString {
		c.Entity = TopicEntity(v.content)
		return finish(r, c)
	}
	o := object{r: r}
	if ok {
		o = r.object("", v)
	}
	field := "entity_path"
	var entityPath string
	if c.Version = o.version(1, ConfigChangeVersionMax); c.Version == 1 {
		field = "entity_name"
		entityPath = o.string("entity_type") + "/" + o.string(field)
	} else {
		entityPath = o.string(field)
	}
	if r.err != nil {
		return nil, r.err
	}
	entity, err := ParseEntity(entityPath)
	if err != nil {
		r.fail(ProblemRange, field, err.Error())
	}
	c.Entity = entity
	return finish(r, c)
}

// Kind is KindConfigChange.
func (c *ConfigChange) Kind() Kind { return KindConfigChange }

// Encode gives the payload.
func (c *ConfigChange) Encode() ([]byte, error) {
	return encodeDocument(c.source, c, ParseConfigChange)
}

func (c *ConfigChange) document() jsonValue {
	version := jsonMember{"version", intJSON(c.Version)}
	switch c.Version {
	case 0:
		return stringJSON(c.Entity.Name)
	case 1:
		return objectJSON(version, jsonMember{"entity_type", stringJSON(string(c.Entity.Type))}, jsonMember{"entity_name", stringJSON(c.Entity.Name)})
	default:
		return objectJSON(version, jsonMember{"entity_path", stringJSON(c.Entity.String())})
	}
}
