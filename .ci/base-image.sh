#!/bin/bash
# usage: base-image.sh TAG — makes the base of all images, Debian 12 with its Python 3.11, from this
# machine's own package sources, where no registry can be reached. Does nothing if TAG exists.
set -euo pipefail
TAG=$1
DOCKER=/usr/bin/docker
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

if $DOCKER image inspect "$TAG" >/dev/null 2>&1; then
  echo "$TAG is there already"
  exit
fi

SOURCES=/etc/apt/sources.list.d/debian.sources
[ -s $SOURCES ] || SOURCES=/etc/apt/sources.list
export SOURCE_DATE_EPOCH=1764000000

mmdebstrap --quiet --mode=root --variant=minbase --format=tar \
  --include=python3,python3-venv,python3-pip,ca-certificates,tini \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --customize-hook="cp $CERTIFICATES \"\$1$CERTIFICATES\"" \
  --customize-hook='ln -sf /usr/bin/python3 "$1/usr/local/bin/python"' \
  --customize-hook='rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/* "$1"/var/log/*' \
  bookworm - $SOURCES |
  $DOCKER import \
    -c "ENV PIP_CERT=$CERTIFICATES SSL_CERT_FILE=$CERTIFICATES PIP_BREAK_SYSTEM_PACKAGES=1" \
    -c 'CMD ["python3"]' - "$TAG"
