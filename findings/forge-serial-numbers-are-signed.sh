#!/usr/bin/env bash
# Guess: node-forge takes the hexadecimal digits of a certificate's `serialNumber` for a positive number, since RFC 5280 (4.1.2.2) has no
# others, and puts the zero byte before them that DER wants where the first bit is set.
#
# Found, with node-forge 1.4.3: the digits are written as they are, as a signed number. Half of all random serial numbers are thus negative:
# `ff01` reads as -255. Node and OpenSSL load such a certificate and show a sign; Go, by which an API server reads the certificates of webhooks,
# has refused to parse it since 1.23. The first digit has to be kept below 8.
#
# Output seen:
#   Node reads ff01 as -FF, and 7f01 as 7F01
#   Go on ff01: x509: negative serial number
#   Go on 7f01: <nil>
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
export GOPATH="$folder/go"
cd "$folder"
echo '{}' > package.json
npm install --silent --no-audit --no-fund node-forge@1.4.3
cat > serial.cjs <<'JS'
const { X509Certificate } = require('node:crypto')
const { writeFileSync } = require('node:fs')
const { md, pki } = require('node-forge')
const shown = ['ff01', '7f01'].map((serialNumber) => {
  const { privateKey, publicKey } = pki.rsa.generateKeyPair(2048)
  const certificate = Object.assign(pki.createCertificate(), { publicKey, serialNumber })
  certificate.validity.notAfter = new Date(Date.now() + 86_400_000)
  const names = [{ name: 'commonName', value: 'example' }]
  certificate.setSubject(names)
  certificate.setIssuer(names)
  certificate.sign(privateKey, md.sha256.create())
  const pem = pki.certificateToPem(certificate)
  writeFileSync(`${serialNumber}.pem`, pem)
  return new X509Certificate(pem).serialNumber
})
console.log(`Node reads ff01 as ${shown[0]}, and 7f01 as ${shown[1]}`)
JS
cat > main.go <<'GO'
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func main() {
	for _, serial := range []string{"ff01", "7f01"} {
		text, _ := os.ReadFile(serial + ".pem")
		block, _ := pem.Decode(text)
		_, err := x509.ParseCertificate(block.Bytes)
		fmt.Printf("Go on %s: %v\n", serial, err)
	}
}
GO
go mod init example.org/serial 2> /dev/null
seen=$(node serial.cjs && go run .)
echo "$seen"
wanted='Node reads ff01 as -FF, and 7f01 as 7F01
Go on ff01: x509: negative serial number
Go on 7f01: <nil>'
[ "$seen" = "$wanted" ]
