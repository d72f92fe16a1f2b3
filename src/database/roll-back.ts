/** Why a transaction is left without an error: caught by `withRollBack`, which holds the value. */
class RollBack extends Error {
  constructor() {
    super("the transaction is rolled back");
    this.name = "RollBack";
  }
}

/**
 * Runs `work`, in which a transaction may end with nothing of it kept and still say what became of it: `rollBack(value)` undoes the
 * transaction that it is called in, and `value` is answered. Every other throw goes on as it is.
 */
export async function withRollBack<T>(work: (rollBack: (value: T) => never) => Promise<T>): Promise<T> {
  const undone = new RollBack();
  let answer: { readonly value: T } | undefined;
  try {
    return await work((value) => {
      answer = { value };
      throw undone;
    });
  } catch (error) {
    if (error !== undone || answer === undefined) throw error;
    return answer.value;
  }
}
