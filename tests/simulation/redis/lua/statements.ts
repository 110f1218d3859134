import type { Statement } from 'luaparse'
import { ExpressionWriter } from './expressions.ts'
import { Scopes } from './scopes.ts'
import { unknownPart } from './unknown-part.ts'
import { LuaError } from './values.ts'

type StatementOf<TType extends Statement['type']> = Extract<Statement, { type: TType }>

/** Writes JavaScript for statements of Lua. */
export class StatementWriter {
  readonly #scopes = new Scopes()
  readonly #expressions = new ExpressionWriter(this.#scopes, (declared) =>
    this.#functionExpression(declared),
  )

  /** JavaScript for a function. */
  function(parameters: readonly string[], body: readonly Statement[]): string {
    const code = this.#scopes.inside(() => {
      const names = parameters.map((name) => this.#scopes.declare(name))
      return `(${names.join(', ')}) => { ${this.#statements(body)} return [] }`
    })
    return `(${code})`
  }

  #block(body: readonly Statement[]): string {
    return `{ ${this.#scopes.inside(() => this.#statements(body))} }`
  }

  #statements(body: readonly Statement[]): string {
    return body.map((statement) => this.#statement(statement)).join('\n')
  }

  #statement(statement: Statement): string {
    switch (statement.type) {
      case 'LocalStatement':
        return this.#local(statement)
      case 'AssignmentStatement':
        return this.#assignment(statement)
      case 'CallStatement':
        return `${this.#expressions.list([statement.expression])};`
      case 'FunctionDeclaration':
        return this.#functionDeclaration(statement)
      case 'IfStatement':
        return this.#if(statement)
      case 'WhileStatement':
        return `while (${this.#expressions.condition(statement.condition)}) ${this.#block(statement.body)}`
      case 'RepeatStatement':
        return this.#repeat(statement)
      case 'ForNumericStatement':
        return this.#forNumeric(statement)
      case 'ForGenericStatement':
        return this.#forGeneric(statement)
      case 'DoStatement':
        return this.#block(statement.body)
      case 'ReturnStatement':
        return `return ${this.#expressions.list(statement.arguments)};`
      case 'BreakStatement':
        return 'break;'
      default:
        throw unknownPart(statement.type)
    }
  }

  #local({ variables, init }: StatementOf<'LocalStatement'>): string {
    const [first] = variables
    const [value] = init
    // The values don't see the new locals.
    if (variables.length === 1 && first && init.length <= 1) {
      const code = value ? this.#expressions.value(value) : 'undefined'
      return `let ${this.#scopes.declare(first.name)} = ${code};`
    }
    const code = this.#expressions.list(init)
    const names = variables.map(({ name }) => this.#scopes.declare(name))
    return `let [${names.join(', ')}] = ${code};`
  }

  #assignment({ variables, init }: StatementOf<'AssignmentStatement'>): string {
    const [target] = variables
    const [value] = init
    if (variables.length === 1 && init.length === 1 && target && value)
      return this.#assign(target, this.#expressions.value(value))
    const values = `values$${this.#scopes.next()}`
    const assignments = variables.map((each, i) => this.#assign(each, `${values}[${i}]`))
    return `const ${values} = ${this.#expressions.list(init)}; ${assignments.join(' ')}`
  }

  #assign(target: StatementOf<'AssignmentStatement'>['variables'][number], value: string): string {
    if (target.type === 'IndexExpression')
      return `lua.setIndex(${this.#expressions.value(target.base)}, ${this.#expressions.value(target.index)}, ${value});`
    if (target.type === 'MemberExpression')
      return `lua.setIndex(${this.#expressions.value(target.base)}, ${JSON.stringify(target.identifier.name)}, ${value});`
    const local = this.#scopes.find(target.name)
    if (local === undefined)
      throw new LuaError(`Script attempted to create global variable '${target.name}'`)
    return `${local} = ${value};`
  }

  #functionDeclaration(declared: StatementOf<'FunctionDeclaration'>): string {
    const { identifier, isLocal } = declared
    if (!isLocal || identifier?.type !== 'Identifier') throw unknownPart('global function')
    const name = this.#scopes.declare(identifier.name)
    return `let ${name} = ${this.#functionExpression(declared)};`
  }

  #functionExpression({ parameters, body }: StatementOf<'FunctionDeclaration'>): string {
    const names = parameters.map((parameter) => {
      if (parameter.type === 'Identifier') return parameter.name
      throw unknownPart('...')
    })
    return this.function(names, body)
  }

  #if({ clauses }: StatementOf<'IfStatement'>): string {
    const parts = clauses.map((clause) => {
      const block = this.#block(clause.body)
      return clause.type === 'ElseClause'
        ? block
        : `if (${this.#expressions.condition(clause.condition)}) ${block}`
    })
    return parts.join(' else ')
  }

  /** The condition sees the locals of the body. */
  #repeat({ condition, body }: StatementOf<'RepeatStatement'>): string {
    const code = this.#scopes.inside(
      () => `${this.#statements(body)} if (${this.#expressions.condition(condition)}) break;`,
    )
    return `while (true) { ${code} }`
  }

  #forNumeric({ variable, start, end, step, body }: StatementOf<'ForNumericStatement'>): string {
    if (step !== null && step.type !== 'NumericLiteral') throw unknownPart('computed step')
    const [from, to] = [this.#expressions.number(start), this.#expressions.number(end)]
    return this.#scopes.inside(() => {
      const n = this.#scopes.next()
      const name = this.#scopes.declare(variable.name)
      const by = step?.value ?? 1
      const head = `let i$${n} = ${from}, to$${n} = ${to}; i$${n} <= to$${n}; i$${n} += ${by}`
      return `for (${head}) { let ${name} = i$${n}; ${this.#statements(body)} }`
    })
  }

  #forGeneric({ variables, iterators, body }: StatementOf<'ForGenericStatement'>): string {
    const list = this.#expressions.list(iterators)
    return this.#scopes.inside(() => {
      const n = this.#scopes.next()
      const names = variables.map(({ name }) => this.#scopes.declare(name))
      return `let [next$${n}, of$${n}, at$${n}] = ${list};
        while (true) {
          let [${names.join(', ')}] = next$${n}(of$${n}, at$${n});
          at$${n} = ${names[0]};
          if (at$${n} === undefined) break;
          ${this.#statements(body)}
        }`
    })
  }
}
