// integration_waiter ADDRESS SPACE: waits for ("job", ?int) until somebody ends it.
#include "tests/integration/wire_client.h"

int main(int count, char** words) {
  using namespace tuplespace::integration;
  if (count != 3) return 2;
  WireClient client(words[1]);
  tuplespace::v1::InRequest request;
  request.set_space(words[2]);
  *request.mutable_template_() = wanted("job", tuplespace::v1::TYPE_INT);
  tuplespace::v1::InResponse response;
  return client.call("tuplespace.v1.TupleSpace/In", request, response).ok() ? 0 : 1;
}
