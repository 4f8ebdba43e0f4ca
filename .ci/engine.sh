# Sourced: engine_start FOLDER starts a Docker engine if none answers, engine_stop ends that one.
ENGINE_PID=

engine_answers() { /usr/bin/docker info >/dev/null 2>&1; }

engine_start() {
  if engine_answers; then
    echo "an engine answers already"
    return
  fi
  local log=$1/dockerd.log pid file
  # What a killed engine left: its number may belong to another process by now, or to one that is
  # dead and was never waited for. A new engine would take either for its own.
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid "$1/dockerd.pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    grep -qsE '^[0-9]+ \((dockerd|containerd)\) [^ZX]' "/proc/$pid/stat" || rm -f "$file"
  done
  setsid /usr/sbin/dockerd --storage-driver=overlay2 --pidfile "$1/dockerd.pid" >"$log" 2>&1 &
  ENGINE_PID=$!
  for _ in $(seq 60); do
    if engine_answers; then
      echo "started, process $ENGINE_PID, log $log"
      return
    fi
    kill -0 $ENGINE_PID 2>/dev/null || break
    sleep 1
  done
  echo "the Docker engine did not start:" >&2
  tail -20 "$log" >&2
  return 1
}

engine_stop() {
  [ -n "$ENGINE_PID" ] || return 0
  kill "$ENGINE_PID" 2>/dev/null || return 0
  wait "$ENGINE_PID" 2>/dev/null || true
  ENGINE_PID=
}
