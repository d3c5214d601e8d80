# shellcheck shell=sh
# The application beside the sidecar: it adds an item and reads what became of the order. It knows nothing of the sidecar but RULEGATE_URL.
set -eu

wget() { /bin/busybox wget -q -O - "$@"; }

tries=0
until order=$(wget "$RULEGATE_URL/orders/1?fields%5Borders%5D=amount_total,item_count"); do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "nobody answers at $RULEGATE_URL"; exit 1; }
    /bin/busybox sleep 0.2
done
echo "before: $order"
wget --header 'Content-Type: application/vnd.api+json' --post-data '{"data": {"type": "items", "attributes": {"quantity": 2},
  "relationships": {"order": {"data": {"type": "orders", "id": "1"}}, "product": {"data": {"type": "products", "id": "1"}}}}}' \
  "$RULEGATE_URL/items" >/dev/null
echo "after: $(wget "$RULEGATE_URL/orders/1?fields%5Borders%5D=amount_total,item_count")"

# As an application does: it stays until it is told to go.
trap 'exit 0' TERM
while :; do /bin/busybox sleep 1; done
