package model

// EncodedPassword is a broker's password setting as stored in its dynamic
// configuration, encrypted with password.encoder.secret. Kafka:
// PasswordEncoder.scala, later EncryptingPasswordEncoder.java.
type EncodedPassword struct {
	KeyFactoryAlgorithm  string // as "PBKDF2WithHmacSHA512"
	CipherAlgorithm      string // as "AES/CBC/PKCS5Padding"
	KeyLengthBits        int32
	Iterations           int32
	PasswordLengthBytes  int32
	Salt                 []byte
	EncryptedPassword    []byte
	InitializationVector []byte // of CBC and GCM
	TagLengthBits        int32  // of GCM; else 0
}

// ParseEncodedPassword reads the value of a password setting:
// "key:value,…". It needs no secret and decrypts nothing. Messages do not
// quote the value.
func ParseEncodedPassword(text string) (EncodedPassword, error) {
	fields, err := parsePairs("encoded password", text, ":",
		[]string{"keyFactoryAlgorithm", "cipherAlgorithm", "keyLength", "salt", "iterations", "encryptedPassword", "passwordLength"},
		[]string{"initializationVector", "authenticationTagLength"})
	if err != nil {
		return EncodedPassword{}, err
	}
	p := EncodedPassword{KeyFactoryAlgorithm: fields.values["keyFactoryAlgorithm"], CipherAlgorithm: fields.values["cipherAlgorithm"]}
	err = fields.numbers(map[string]*int32{
		"keyLength": &p.KeyLengthBits, "iterations": &p.Iterations, "passwordLength": &p.PasswordLengthBytes,
		"authenticationTagLength": &p.TagLengthBits,
	})
	if err != nil {
		return EncodedPassword{}, err
	}
	err = fields.binary(map[string]*[]byte{
		"salt": &p.Salt, "encryptedPassword": &p.EncryptedPassword, "initializationVector": &p.InitializationVector,
	})
	if err != nil {
		return EncodedPassword{}, err
	}
	return p, nil
}
