#!/usr/bin/env bash
# Makes internal/weak/passwords.txt anew from the npm package named below: one
# password a line, folded and sorted, as internal/weak reads it. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/../internal/weak"

package=@zxcvbn-ts/language-common
version=4.1.3
integrity=sha512-g2bg4skmlJG9aJqC/nWziZzgYpSe/f3rKeGobrkdFiOrfZVFqqzUgC6BUQWuX54Sua9j0Jxxt+1bf4f/Mal1Kg==

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "$package@$version" >"$work/name"
archive=$work/$(<"$work/name")
found=sha512-$(openssl dgst -sha512 -binary "$archive" | base64 -w0)
[[ $found == "$integrity" ]] || { echo "weak-passwords: $package@$version has another content: $found" >&2; exit 1; }
tar -xzf "$archive" -C "$work"
node -e '
  const fs = require("fs")
  const list = JSON.parse(fs.readFileSync(process.argv[1], "utf8"))
  const folded = new Set(list.map(p => p.normalize("NFKC").toLowerCase().normalize("NFKC").trim()))
  process.stdout.write([...folded].filter(p => p !== "").sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).join("\n") + "\n")
' "$work/package/src/passwords.json" >passwords.txt
cp "$work/package/LICENSE.txt" LICENSE.txt
wc -l passwords.txt
